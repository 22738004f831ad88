package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// pages are the documents of build/kustomize.
func pages(t *testing.T) []string {
	t.Helper()
	return append(pagesWithCommands(t), root+"/build/kustomize/README.md")
}

// documentedIP is what a Service has for an address when the commands of a page ask for it.
const documentedIP = "10.96.53.53"

// recorder stands for the programs of a platform: it answers with that address, and keeps what it is given to apply.
const recorder = `#!/bin/sh
case "$*" in
*clusterIP*) echo ` + documentedIP + ` ;;
*" -f -"* | *=/dev/stdin*) cat >"$given/$(ls "$given" | wc -l).yaml" ;;
esac
`

// platform has the programs that the pages call, other than those of any shell.
var platform = []string{"kubectl", "oc", "aws", "az", "helm", "kubeadm", "systemctl"}

// execute runs the commands of a page, and returns the objects that they apply and the files that they write.
func execute(t *testing.T, page string) (given []string, dir string) {
	t.Helper()
	bin, out := t.TempDir(), t.TempDir()
	dir = t.TempDir()
	for _, program := range platform {
		if err := os.WriteFile(filepath.Join(bin, program), []byte(recorder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range []string{"sh", "cat", "sed", "ls", "wc"} {
		link(t, program, filepath.Join(bin, program))
	}
	build, err := filepath.Abs(root + "/build")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(build, filepath.Join(dir, "build")); err != nil {
		t.Fatal(err)
	}
	for _, script := range lab.Fenced(t, page, "sh") {
		for _, m := range regexp.MustCompile(`(?:-k|--values) (build/\S+)`).FindAllStringSubmatch(script, -1) {
			if _, err := os.Stat(filepath.Join(dir, m[1])); err != nil {
				t.Error(err)
			}
		}
		cmd := exec.Command("/bin/sh", "-ec", "DNS="+documentedIP+"\n"+script)
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + bin, "given=" + out}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s in:\n%s", err, out, script)
		}
	}
	files, err := filepath.Glob(out + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		given = append(given, lab.ReadFile(t, file))
	}
	return given, dir
}

func link(t *testing.T, program, name string) {
	t.Helper()
	if err := os.Symlink(lab.LookPath(t, program), name); err != nil {
		t.Fatal(err)
	}
}

// TestDocuments runs the commands of each page with recorders for the programs of the platform, and gives the objects
// of its commands and examples to the API, as far as it knows them.
func TestDocuments(t *testing.T) {
	c := startCluster(t)
	c.define(t)
	c.apply(t, parse(t, world.Manifests+defaultAccount))
	for _, page := range pages(t) {
		t.Run(filepath.Base(page), func(t *testing.T) {
			given, _ := execute(t, page)
			for _, text := range append(given, lab.Fenced(t, page, "yaml")...) {
				c.accept(t, text)
			}
		})
	}
}

// defaultAccount is that of every namespace of a cluster, which its controller makes.
const defaultAccount = `
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: dnscheck}
`

// accept lets the API judge an object, or what kustomize makes of it.
func (c *cluster) accept(t *testing.T, text string) {
	t.Helper()
	var o unstructured.Unstructured
	if err := yaml.UnmarshalStrict([]byte(text), &o.Object); err != nil {
		t.Errorf("%v in:\n%s", err, text)
		return
	}
	if o.GetKind() == "Kustomization" {
		objects := renderDocumented(t, text)
		c.apply(t, objects)
		c.admit(t, objects)
		return
	}
	if gvk := o.GroupVersionKind(); gvk.Version != "" && gvk.Group == "" {
		c.apply(t, []*unstructured.Unstructured{&o}, meta.DryRunAll)
	}
}

// renderDocumented renders a kustomization of a reader, beside a checkout.
func renderDocumented(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "coredns-muslsafe", "build", "kustomize"), os.DirFS(root+"/build/kustomize")); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "mine")
	if err := os.Mkdir(mine, 0o755); err != nil {
		t.Fatal(err)
	}
	lab.WriteFile(t, filepath.Join(mine, "kustomization.yaml"), text)
	if strings.Contains(text, "files: [Corefile]") {
		lab.WriteFile(t, filepath.Join(mine, "Corefile"), ".:53 {\n muslsafe\n}\n")
	}
	objects := renderFolder(t, mine)
	if config := pick[core.ConfigMap](t, objects, "ConfigMap", ""); strings.Contains(text, "Corefile") && len(config.Data["Corefile"]) > 30 {
		t.Errorf("the Corefile is not the reader's:\n%s", config.Data["Corefile"])
	}
	return objects
}
