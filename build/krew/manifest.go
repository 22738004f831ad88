package main

// The manifest of a plugin (https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest).
type (
	manifest struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Metadata   metadata `yaml:"metadata"`
		Spec       spec     `yaml:"spec"`
	}
	metadata struct {
		Name string `yaml:"name"`
	}
	spec struct {
		Version          string     `yaml:"version"`
		Homepage         string     `yaml:"homepage"`
		ShortDescription string     `yaml:"shortDescription"`
		Description      string     `yaml:"description"`
		Platforms        []platform `yaml:"platforms"`
	}
	platform struct {
		Selector selector `yaml:"selector"`
		URI      string   `yaml:"uri"`
		SHA256   string   `yaml:"sha256"`
		Files    []file   `yaml:"files"`
		Bin      string   `yaml:"bin"`
	}
	selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	file struct {
		From string `yaml:"from"`
		To   string `yaml:"to"`
	}
)

const (
	name     = "muslsafe" // of the plugin
	homepage = "https://github.com/muslsafe/coredns-muslsafe"
	license  = "LICENSE"
)

// description tells what the plugin does, in lines of 80 characters at most, as krew shows them.
const description = `Says which DNS lookups break on musl libc (Alpine) in a cluster, why, and what
fixes them: in the Corefile of the cluster DNS, in what stands in front of it,
in the search domains of the nodes, in the dnsConfig of pods, and in policies
of Cilium. It reads the cluster with your own rights, and changes nothing unless
told to run itself in pods.
`

// newManifest describes the archives of a version.
func newManifest(version string, archives []archive) manifest {
	m := manifest{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2", Kind: "Plugin", Metadata: metadata{name},
		Spec: spec{Version: version, Homepage: homepage, ShortDescription: "Find the DNS lookups that break on musl (Alpine)", Description: description},
	}
	for _, a := range archives {
		m.Spec.Platforms = append(m.Spec.Platforms, platform{
			Selector: selector{map[string]string{"os": a.os, "arch": a.arch}},
			URI:      homepage + "/releases/download/" + version + "/" + a.file, SHA256: a.sha256,
			Files: []file{{a.program, "."}, {license, "."}}, Bin: a.program,
		})
	}
	return m
}
