package kubernetes

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// notExecuted are the commands of the pages below build/kustomize/platforms and build/kustomize/overlays that no test runs on
// a real cluster: a heading stands for those below it. TestDocuments runs them too, with recorders for the programs, and gives
// their objects to a real API. Every other command is run by test/kubernetes/cluster.
var notExecuted = []struct{ page, command, reason string }{
	{"aks.md", "## LocalDNS", "az needs an Azure subscription; test/e2e gives the same configuration to CoreDNS"},
	{"aks.md", "kubectl -n kube-system edit configmap coredns-custom", "it opens an editor"},
	{"cilium.md", "## Install", "the tests have no Cilium; TestShapes runs the pod of the overlay"},
	{"cilium.md", "## Roll back", "the tests have no Cilium"},
	{"cilium.md", "kubectl -n kube-system exec ds/cilium -- cilium-dbg lrp list", "the tests have no Cilium"},
	{"eks.md", "aws eks describe-addon --cluster-name CLUSTER --addon-name coredns", "aws needs an account"},
	{"eks.md", "## Self-managed: replace", "aws needs an account"},
	{"eks.md", "aws eks create-addon --cluster-name CLUSTER --addon-name coredns --resolve-conflicts OVERWRITE", "aws needs an account"},
	{"eks.md", "kubectl -n kube-system get configmap coredns -o yaml", "it only shows what the cluster has"},
	{"gke.md", "gcloud container clusters describe CLUSTER --format='value(networkConfig.dnsConfig.clusterDns)'", "gcloud needs an account"},
	{"gke.md", "## Standard with kube-dns: upstream or stub", "the tests have no kube-dns, which reads this ConfigMap"},
	{"gke.md", "## Standard with kube-dns: replace", "the tests have no kube-dns; the page for kubeadm has the same with CoreDNS"},
	{"gke.md", "## Roll back", "the tests have no kube-dns"},
	{"istio-ambient.md", "## Install", "the tests have no Istio"},
	{"istio-ambient.md", "## Roll back", "the tests have no Istio"},
	{"k3s-rke2.md", "## k3s: replace", "the chart is in a registry that tests do not ask"},
	{"k3s-rke2.md", "helm uninstall coredns --namespace kube-system", "the chart is in a registry that tests do not ask"},
	{"k3s-rke2.md", "## RKE2: replace", "the tests have no RKE2; TestHelmChartConfig compares the values"},
	{"k3s-rke2.md", "kubectl -n kube-system delete helmchartconfig rke2-coredns", "the tests have no RKE2"},
	{"k3s-rke2.md", "## RKE2 with NodeLocal DNSCache: upstream", "the tests have no RKE2"},
	{"openshift.md", "## Install", "the tests have no OpenShift"},
	{"openshift.md", "## Roll back", "the tests have no OpenShift"},
	{"openshift.md", "oc get clusteroperator/dns", "the tests have no OpenShift"},
	{"openshift.md", "oc -n openshift-dns get configmap dns-default -o yaml", "the tests have no OpenShift"},
	{"kubeadm.md", "## Upgrades", "kubeadm needs a machine of its own"},
}

// executed matches the calls by which the tests on a real cluster run what is below a heading, and the names of pages there.
var (
	executed = regexp.MustCompile(`section\(t, ("[^"]+"|\w+), "([^"]+)"\)`)
	pageName = regexp.MustCompile(`(?m)^(?:const )?\s*(\w+) += "(\.\./[^"]+[.]md)"`)
	inline   = regexp.MustCompile("`((?:" + strings.Join(append(platform, "gcloud"), "|") + ") [^`]* [^`]*)`")
)

// TestCommands finds every command of the pages of platforms and overlays in the tests on a real cluster, or in the list of
// those that are not executed there, and nothing else in the list.
func TestCommands(t *testing.T) {
	code := sourceOfClusterTests(t)
	names := map[string]string{}
	for _, m := range pageName.FindAllStringSubmatch(code, -1) {
		names[m[1]] = filepath.Base(filepath.Dir(m[2])) + "/" + filepath.Base(m[2])
	}
	runs := map[string]bool{}
	for _, m := range executed.FindAllStringSubmatch(code, -1) {
		page := strings.Trim(m[1], `"`)
		if name, ok := names[page]; ok {
			page = name
		}
		runs[page+" ## "+m[2]] = true
	}
	listed := map[string]bool{}
	for _, n := range notExecuted {
		listed[n.page+" "+n.command] = true
	}
	for _, file := range pagesWithCommands(t) {
		page := filepath.Base(file)
		if page == "README.md" {
			page = filepath.Base(filepath.Dir(file)) + "/" + page
		}
		for _, command := range commandsOf(t, file) {
			command = page + " " + command
			_, text, _ := strings.Cut(command, " ")
			run := runs[command] || strings.Contains(code, text)
			if run == listed[command] {
				t.Errorf("%s: run by a test on a cluster: %v, and in the list of those that are not: %v; want one of the two", command, run, listed[command])
			}
			delete(listed, command)
		}
	}
	for command := range listed {
		t.Errorf("the list has %q, which is on no page", command)
	}
}

// pagesWithCommands are the pages of the platforms, and those of overlays.
func pagesWithCommands(t *testing.T) []string {
	t.Helper()
	overlays, err := filepath.Glob(root + "/build/kustomize/overlays/*/README.md")
	if err != nil || len(overlays) == 0 {
		t.Fatalf("no pages of overlays: %v", err)
	}
	platforms, err := filepath.Glob(root + "/build/kustomize/platforms/*.md")
	if err != nil || len(platforms) == 0 {
		t.Fatalf("no pages of platforms: %v", err)
	}
	return append(platforms, overlays...)
}

// commandsOf returns the headings of a page below which there are commands, and the commands within sentences.
func commandsOf(t *testing.T, file string) (list []string) {
	t.Helper()
	for part := range strings.SplitSeq(lab.ReadFile(t, file), "\n## ") {
		heading, text, _ := strings.Cut(part, "\n")
		if lab.Fence("sh").MatchString(text) {
			list = append(list, "## "+heading)
		}
		for _, m := range inline.FindAllStringSubmatch(text, -1) {
			list = append(list, m[1])
		}
	}
	return list
}

func sourceOfClusterTests(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("cluster/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests on a real cluster: %v", err)
	}
	var code strings.Builder
	for _, file := range files {
		code.WriteString(lab.ReadFile(t, file))
	}
	return code.String()
}

// TestPagesAreShort holds each page to what can be read at once.
func TestPagesAreShort(t *testing.T) {
	for _, file := range pagesWithCommands(t) {
		if n := len(strings.Fields(lab.ReadFile(t, file))); n > 350 {
			t.Errorf("%s has %d words; want at most 350", file, n)
		}
	}
}
