package cluster

import (
	"bytes"
	"testing"
)

// TestReportInFront reads a cluster whose kubelets send new pods to a DNS on their node: what stands there is found by its
// DaemonSet, and by what the pods of a probe are told.
func TestReportInFront(t *testing.T) {
	w := start(t)
	tests := []struct {
		shape shape
		want  []string
	}{
		{nodeLocal, []string{
			"\nin front      NodeLocal DNSCache (DaemonSet kube-system/node-local-dns): ",
			"\nDaemonSet kube-system/node-local-dns: advice: it forwards . to /etc/resolv.conf, past the cluster DNS (front-bypass)\n",
			"\nwww.example.org from node-1, node-2: 1 hazard\n",
		}},
		{nodeFront, []string{
			"\nin front      muslsafe (DaemonSet kube-system/muslsafe-node): ",
			": advice: server block \".:53\" has no muslsafe (muslsafe-missing)\n    why         DaemonSet kube-system/muslsafe-node is muslsafe in front of this block.",
			"\nwww.example.org from node-1, node-2: healthy\n\nnothing was found that breaks lookups on musl\n",
		}},
	}
	for _, tc := range tests {
		t.Run(tc.shape.about, func(t *testing.T) {
			tc.shape.install(t, w, tc.shape)
			defer tc.shape.remove(t, w, tc.shape)
			w.awaitRollout(t, tc.shape)
			out, err := w.doctorCommand(probe + " --probe www.example.org").CombinedOutput()
			for _, want := range append(tc.want,
				"\n              name server 169.254.20.10 (resolv.conf of pods): a DNS on the node",
				"\nnodes         node-1, node-2: search domains corp.example.com, name server 169.254.20.10:53, ndots 5\n",
				"│ 169.254.20.10, as the kubelets ",
			) {
				if !bytes.Contains(out, []byte(want)) {
					t.Errorf("%v: %s\nwant %q", err, out, want)
				}
			}
		})
	}
	w.noDoctors(t)
}
