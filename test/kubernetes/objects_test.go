package kubernetes

import (
	"strings"
	"testing"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// render returns the objects of a folder of build/kustomize in the order in which kubectl apply -k sends them.
func render(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	return renderFolder(t, root+"/build/kustomize/"+folder)
}

func renderFolder(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		t.Fatal(err)
	}
	text, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

// parse reads objects, documents in YAML.
func parse(t *testing.T, manifests string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for doc := range strings.SplitSeq(manifests, "\n---\n") {
		o := new(unstructured.Unstructured)
		if err := yaml.UnmarshalStrict([]byte(doc), &o.Object); err != nil {
			t.Fatalf("%v in:\n%s", err, doc)
		}
		objects = append(objects, o)
	}
	return objects
}

// toYAML writes objects as documents.
func toYAML(t *testing.T, objects []*unstructured.Unstructured) string {
	t.Helper()
	var docs []string
	for _, o := range objects {
		doc, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(doc))
	}
	return strings.Join(docs, "\n---\n")
}

// pick returns the object of a kind and name, as a value of its Go type.
func pick[T any](t *testing.T, objects []*unstructured.Unstructured, kind, name string) T {
	t.Helper()
	var value T
	for _, o := range objects {
		if o.GetKind() == kind && (o.GetName() == name || name == "") {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &value, true); err != nil {
				t.Fatalf("%s %s: %v", kind, name, err)
			}
			return value
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return value
}

// apply sends objects as kubectl apply --server-side --validate=strict does, and returns what the API made of them.
func (c *cluster) apply(t *testing.T, objects []*unstructured.Unstructured, dryRun ...string) []*unstructured.Unstructured {
	t.Helper()
	var applied []*unstructured.Unstructured
	for _, o := range objects {
		text, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		options := meta.PatchOptions{FieldManager: "test", FieldValidation: meta.FieldValidationStrict, DryRun: dryRun}
		live, err := c.resource(t, o).Patch(t.Context(), o.GetName(), types.ApplyPatchType, text, options)
		if err != nil {
			t.Fatalf("%s %s: %v", o.GetKind(), o.GetName(), err)
		}
		applied = append(applied, live)
	}
	return applied
}

// resource is where an object of this kind and namespace lives in the API.
func (c *cluster) resource(t *testing.T, o *unstructured.Unstructured) dynamic.ResourceInterface {
	t.Helper()
	gvk := o.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		t.Fatal(err)
	}
	if mapping.Scope.Name() == apimeta.RESTScopeNameRoot { // whatever kustomize takes it for
		return c.objects.Resource(mapping.Resource)
	}
	return c.objects.Resource(mapping.Resource).Namespace(o.GetNamespace())
}

// serviceIP returns the address that the API gave to a Service.
func (c *cluster) serviceIP(t *testing.T, namespace, name string) string {
	t.Helper()
	service, err := c.client.CoreV1().Services(namespace).Get(t.Context(), name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return service.Spec.ClusterIP
}
