// Package kubernetes holds the tests of the manifests in this folder. It is a
// module of its own, so that the API of Kubernetes is no dependency of the
// programs.
package kubernetes

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// strict decodes a manifest into the type of the API that it names, and refuses
// a field that this does not have, or has twice.
func strict(manifest []byte) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	for _, add := range [...]func(*runtime.Scheme) error{batchv1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(manifest, nil, nil)
	return object, err
}

// site is what a kustomization makes, by the names of its objects.
type site struct {
	jobs   map[string]*batchv1.Job
	claims map[string]*corev1.PersistentVolumeClaim
}

// build makes the objects of a kustomization, as kubectl apply -k does.
func build(dir string) (*site, error) {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	s := &site{jobs: map[string]*batchv1.Job{}, claims: map[string]*corev1.PersistentVolumeClaim{}}
	for _, r := range made.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return nil, err
		}
		object, err := strict(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.CurId(), err)
		}
		switch o := object.(type) {
		case *batchv1.Job:
			s.jobs[o.Name] = o
		case *corev1.PersistentVolumeClaim:
			s.claims[o.Name] = o
		default:
			return nil, fmt.Errorf("%s is not expected", r.CurId())
		}
	}
	return s, nil
}

// kustomizations are the two ways that are offered.
var kustomizations = []string{"base", "parts"}

// steps are the Jobs, in the order of their work.
var steps = []string{"imsconv-plan", "imsconv-shards", "imsconv-merge", "imsconv-verify"}

// TestManifestFiles decodes every manifest as it is written, before kustomize.
func TestManifestFiles(t *testing.T) {
	files, err := filepath.Glob("*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	decoded := 0
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for manifest := range bytes.SplitSeq(text, []byte("\n---\n")) {
			if _, err := strict(manifest); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			decoded++
		}
	}
	if decoded != 6 {
		t.Errorf("%d manifests, want 6", decoded)
	}
}

// TestStrict: a manifest with a field that is wrong does not pass.
func TestStrict(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("base", "shards.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range [][2]string{
		{"backoffLimitPerIndex: 3", "backoffLimitPerindex: 3"},
		{"readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true"},
		{"parallelism: 4", "parallelism: four"},
		{"parallelism: 4", "parallelism: 4\n  parallelism: 5"},
		{"apiVersion: batch/v1", "apiVersion: batch/v9"},
		{"      restartPolicy: Never", "    restartPolicy: Never"},
	} {
		changed := strings.Replace(string(text), wrong[0], wrong[1], 1)
		if changed == string(text) {
			t.Fatalf("there is no %q", wrong[0])
		}
		if _, err := strict([]byte(changed)); err == nil {
			t.Errorf("%q passes", wrong[1])
		}
	}
}

// TestKustomizations builds both ways and holds each against the rules.
func TestKustomizations(t *testing.T) {
	for _, dir := range kustomizations {
		s, err := build(dir)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		for _, fault := range s.faults() {
			t.Errorf("%s: %s", dir, fault)
		}
	}
}

// TestOneNumber: the number of parts is changed in one place, and all that
// follows from it does. Where it does not, the rules tell.
func TestOneNumber(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	shards := filepath.Join(dir, "base", "shards.yaml")
	text, err := os.ReadFile(shards)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(shards, bytes.Replace(text, []byte("completions: 4"), []byte("completions: 7"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := build(filepath.Join(dir, "base"))
	if err != nil {
		t.Fatal(err)
	}
	if n := *s.jobs["imsconv-verify"].Spec.Completions; n != 7 || len(s.faults()) > 0 {
		t.Errorf("verify has %d parts, %v", n, s.faults())
	}
	// The list of parts does not follow, and its comment says so.
	if s, err = build(filepath.Join(dir, "parts")); err != nil {
		t.Fatal(err)
	}
	if faults := s.faults(); len(faults) != 1 || !strings.Contains(faults[0], "merge") {
		t.Errorf("four parts of seven: %q", faults)
	}
}

// faults says what of a site is against the rules.
func (s *site) faults() (list []string) {
	for _, name := range steps {
		job := s.jobs[name]
		if job == nil {
			list = append(list, "there is no "+name)
			continue
		}
		for _, fault := range slices.Concat(numbers(job), retries(job), confined(&job.Spec.Template.Spec), s.mounted(&job.Spec.Template.Spec)) {
			list = append(list, name+": "+fault)
		}
		if suspended := job.Spec.Suspend != nil && *job.Spec.Suspend; suspended == (name == steps[0]) {
			list = append(list, name+": whether it waits")
		}
	}
	if len(list) == 0 && len(s.jobs) != len(steps) {
		list = append(list, "there are other Jobs")
	}
	return append(list, s.parts()...)
}

// numbers says what is wrong with the number of pods, and with what they are
// told of it.
func numbers(job *batchv1.Job) (list []string) {
	c := job.Spec.Template.Spec.Containers[0]
	auto := slices.Contains(c.Args, "--shard=auto")
	indexed := job.Spec.CompletionMode != nil && *job.Spec.CompletionMode == batchv1.IndexedCompletion
	if auto != indexed {
		list = append(list, "--shard=auto and completionMode: Indexed go together")
	}
	if indexed && completions(&c) != strconv.Itoa(int(*job.Spec.Completions)) {
		list = append(list, fmt.Sprintf("COMPLETIONS is %q, spec.completions %d", completions(&c), *job.Spec.Completions))
	}
	if indexed && *job.Spec.Parallelism > *job.Spec.Completions {
		list = append(list, "more pods than parts")
	}
	return list
}

// completions is the value of the variable.
func completions(c *corev1.Container) string {
	for _, v := range c.Env {
		if v.Name == "COMPLETIONS" {
			return v.Value
		}
	}
	return ""
}

// parts says where plan and merge are about other parts than shards.
func (s *site) parts() (list []string) {
	shards := s.jobs["imsconv-shards"]
	if shards == nil {
		return nil
	}
	n := int(*shards.Spec.Completions)
	if plan := s.jobs["imsconv-plan"]; plan != nil && completions(&plan.Spec.Template.Spec.Containers[0]) != strconv.Itoa(n) {
		list = append(list, "plan is of other parts")
	}
	var want, got []string
	for _, arg := range shards.Spec.Template.Spec.Containers[0].Args {
		if part, ok := strings.CutPrefix(arg, "--store="); ok && strings.Contains(part, "$(JOB_COMPLETION_INDEX)") {
			for i := range n {
				want = append(want, strings.ReplaceAll(part, "$(JOB_COMPLETION_INDEX)", strconv.Itoa(i)))
			}
		}
	}
	if merge := s.jobs["imsconv-merge"]; merge != nil {
		for _, arg := range merge.Spec.Template.Spec.Containers[0].Args[1:] {
			if !strings.HasPrefix(arg, "-") {
				got = append(got, arg)
			}
		}
	}
	if !slices.Equal(got, want) {
		list = append(list, fmt.Sprintf("merge has the parts %q, shards makes %q", got, want))
	}
	return list
}
