package scan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// asksNet is a program in Go that looks a name up.
const asksNet = "package main\n\nimport \"net\"\n\nfunc main() { net.LookupHost(\"www.example.org\") }\n"

// goBuild builds a program in Go.
func goBuild(t *testing.T, text string, env []string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir+"/go.mod", "module example.org/program\n\ngo 1.26\n")
	write(t, dir+"/main.go", text)
	out := filepath.Join(dir, "program")
	args := append([]string{"build", "-C", dir, "-o", out}, flags...)
	run(t, append(env, "GOFLAGS=", "GOWORK=off"), "go", args...)
	return out
}

// TestGo has programs in Go that choose between their own resolver and that of the C library.
func TestGo(t *testing.T) {
	run(t, nil, "gcc", "--version")
	cgo, without := []string{"CGO_ENABLED=1"}, []string{"CGO_ENABLED=0"}
	tests := []struct {
		about, file string
		resolver    Resolver
		also        Resolver
		evidence    string
	}{
		{"without cgo", goBuild(t, asksNet, without), Go, "", "CGO_ENABLED=0"},
		{"without cgo, stripped", goBuild(t, asksNet, without, "-ldflags=-s -w"), Go, "", "CGO_ENABLED=0"},
		{"with cgo", goBuild(t, asksNet, cgo), Go, Glibc, "with cgo"},
		{"with cgo and netgo", goBuild(t, asksNet, cgo, "-tags=netgo"), Go, "", "netgo"},
		{"with cgo and netcgo", goBuild(t, asksNet, cgo, "-tags=netcgo"), Glibc, "", "to ask the C library"},
		{"told by go:debug", goBuild(t, "//go:debug netdns=cgo\n"+asksNet, cgo), Glibc, "", "to ask the C library"},
		{"with cgo, without net", goBuild(t, "package main\n\nimport \"C\"\n\nfunc main() {}\n", cgo), Go, "", "without the resolver of a C library"},
		{"with cgo, static glibc", goBuild(t, asksNet, cgo, "-ldflags=-linkmode=external -extldflags=-static"), Go, Glibc, "with cgo"},
	}
	for _, tc := range tests {
		p := only(t, tc.file)
		also := Resolver("")
		if len(p.Also) > 0 {
			also = p.Also[0].Resolver
		}
		if p.Resolver != tc.resolver || also != tc.also || p.Guess || p.AtRisk || !strings.Contains(p.Evidence[0], tc.evidence) {
			t.Errorf("%s: %+v; want %s, also %q, by %q", tc.about, p, tc.resolver, tc.also, tc.evidence)
		}
	}
}

// TestGoOnMusl has programs in Go that are linked with musl, as on Alpine.
func TestGoOnMusl(t *testing.T) {
	dir := musl(t, "1.2.3")
	wrapper := filepath.Join(t.TempDir(), "musl-gcc")
	write(t, wrapper, "#!/bin/sh\nexec gcc \"$@\" -specs "+muslSpecs(t, dir)+"\n")
	env := []string{"CGO_ENABLED=1", "CC=" + wrapper}
	tests := []struct {
		about, tags, extld string
		want               string
		atRisk             bool
	}{
		{"static", "", "-static", "go 1.26 also musl 1.2.3", false},
		{"static, netgo", "netgo", "-static", "go 1.26", false},
		{"static, netcgo", "netcgo", "-static", "musl 1.2.3 guess", true},
		{"shared, netcgo", "netcgo", "", "musl 1.2.6", true},
		{"shared", "", "", "go 1.26 also musl 1.2.6", false},
	}
	for _, tc := range tests {
		root := t.TempDir()
		copyFile(t, goBuild(t, asksNet, env, "-tags="+tc.tags, "-ldflags=-linkmode=external -extldflags="+tc.extld), root+"/app")
		copyFile(t, musl(t, "1.2.6")+"/libc.so", root+muslLoaderPath)
		p := only(t, root)
		r := newReport(root)
		p.Path = ""
		if p.Resolver == Go {
			p.Version = p.Version[:len("1.26")]
		}
		r.add(p)
		if got := strings.TrimSpace(lines(r)); got != tc.want || p.AtRisk != tc.atRisk {
			t.Errorf("%s: %s, at risk %v; want %s, %v (%q)", tc.about, got, p.AtRisk, tc.want, tc.atRisk, p.Evidence)
		}
	}
}

// muslSpecs makes gcc use a release of musl, as the specs of Debian's musl-gcc do for the one that is installed.
func muslSpecs(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(dir + "/musl-gcc.specs")
	if err != nil {
		t.Fatal(err)
	}
	specs := string(text)
	for _, old := range []string{"/usr/lib/x86_64-linux-musl", "/usr/include/x86_64-linux-musl"} {
		fresh := dir
		if strings.Contains(old, "include") {
			fresh = dir + "/include"
		}
		specs = strings.ReplaceAll(specs, old, fresh)
	}
	file := filepath.Join(t.TempDir(), "specs")
	write(t, file, specs)
	return file
}

// TestGlibc has programs of this machine and static ones.
func TestGlibc(t *testing.T) {
	static := filepath.Join(t.TempDir(), "static")
	run(t, nil, "gcc", "-static", "-w", "-o", static, client)
	if p := only(t, static); p.Resolver != Glibc || p.AtRisk || p.Version != "" {
		t.Errorf("static: %+v; want glibc, of no known version", p)
	}
	if p := only(t, "/bin/ls"); p.Resolver != Glibc || !strings.HasPrefix(p.Version, "2.") || p.Guess || p.AtRisk {
		t.Errorf("/bin/ls: %+v; want glibc, with a version", p)
	}
	empty := source(t, "int main(void) { return 0; }\n")
	run(t, nil, "gcc", "-static", "-o", static, empty)
	if p := only(t, static); p.Resolver != None || p.AtRisk {
		t.Errorf("static, without a resolver: %+v; want none", p)
	}
}

// TestCAres has programs that ask by way of c-ares, directly, through a library, and beside the C library.
func TestCAres(t *testing.T) {
	dir := t.TempDir()
	run(t, nil, "gcc", "-w", "-o", dir+"/direct", "../../../test/lab/client/cares.c", "-lcares")
	ares := source(t, "#include <ares.h>\n#include <netdb.h>\nint f(void) { ares_channel c; ares_init(&c); ares_gethostbyname(c, \"\", 0, 0, 0);\n#ifdef BOTH\n struct addrinfo *a; getaddrinfo(\"\", 0, 0, &a);\n#endif\n return 0; }\n")
	program := source(t, "int f(void);\nint main(void) { return f(); }\n")
	for name, flag := range map[string]string{"alone": "-DALONE", "both": "-DBOTH"} {
		run(t, nil, "gcc", "-shared", "-fPIC", flag, "-o", dir+"/lib"+name+".so", ares, "-lcares")
		run(t, nil, "gcc", "-o", dir+"/through-"+name, program, "-L"+dir, "-l"+name, "-Wl,-rpath,$ORIGIN")
	}
	for name, want := range map[string]string{"direct": "c-ares", "through-alone": "c-ares", "through-both": "glibc also c-ares"} {
		p := only(t, filepath.Join(dir, name))
		got := string(p.Resolver)
		for _, o := range p.Also {
			got += " also " + string(o.Resolver)
		}
		if got != want || p.AtRisk {
			t.Errorf("%s: %s (%q); want %s", name, got, p.Evidence, want)
		}
	}
}

// TestOwn has the programs of this repository: doctor knows the marks of all, and has none of those resolvers.
func TestOwn(t *testing.T) {
	for _, name := range []string{"doctor", "coredns-slim"} {
		file := filepath.Join(t.TempDir(), name)
		run(t, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-buildvcs=false", "-tags=grpcnotrace", "-ldflags=-s -w", "-o", file, "../../"+name)
		if p := only(t, file); p.Resolver != Go || len(p.Also) > 0 || p.AtRisk {
			t.Errorf("%s: %+v; want Go", name, p)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	kubectl := filepath.Join(cache, "muslsafe", "kubectl")
	if _, err := os.Stat(kubectl); err != nil {
		lab.Skip(t, "needs kubectl (test/install.sh builds it)")
	}
	if p := only(t, kubectl); p.Resolver != Go {
		t.Errorf("kubectl: %+v; want Go", p)
	}
}
