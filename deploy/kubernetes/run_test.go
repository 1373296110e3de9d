package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// program builds storeconv, which is in another module.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "storeconv")
	build := exec.Command("go", "build", "-o", path, "./cmd/storeconv")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// node runs the pods of Jobs as Kubernetes would: it tells each its index, puts
// variables into its arguments, and mounts its volumes.
type node struct {
	program string
	mounts  *strings.Replacer
}

// run runs the pods of a Job, one after the other.
func (n *node) run(t *testing.T, job *batchv1.Job) {
	t.Helper()
	pods := 1
	if job.Spec.CompletionMode != nil && *job.Spec.CompletionMode == batchv1.IndexedCompletion {
		pods = int(*job.Spec.Completions)
	}
	for index := range pods {
		c := job.Spec.Template.Spec.Containers[0].DeepCopy()
		if job.Spec.CompletionMode != nil {
			c.Env = append(c.Env, corev1.EnvVar{Name: "JOB_COMPLETION_INDEX", Value: strconv.Itoa(index)})
		}
		var vars, env []string
		for _, v := range c.Env {
			vars = append(vars, "$("+v.Name+")", v.Value)
			env = append(env, v.Name+"="+v.Value)
		}
		args := make([]string, len(c.Args))
		for i, arg := range c.Args {
			args[i] = n.mounts.Replace(strings.NewReplacer(vars...).Replace(arg))
		}
		cmd := exec.Command(n.program, args...)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s, pod %d: storeconv %s: %v\n%s", job.Name, index, strings.Join(args, " "), err, out)
		}
	}
}

// TestRun runs what the manifests say with the real program on the sample site:
// every argument is one that it takes, and the last Job finds the store right.
func TestRun(t *testing.T) {
	storeconv := program(t)
	source, err := filepath.Abs(filepath.Join("..", "..", "testdata", "site", "sims"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range kustomizations {
		t.Run(dir, func(t *testing.T) {
			work := t.TempDir()
			s, err := build(dir)
			if err != nil {
				t.Fatal(err)
			}
			n := &node{program: storeconv, mounts: strings.NewReplacer("/source/", source+"/", "/work/", work+"/")}
			for _, step := range steps {
				n.run(t, s.jobs[step])
			}
			reports, err := filepath.Glob(filepath.Join(work, "verify-*.json"))
			if err != nil || len(reports) != 4 {
				t.Errorf("%d reports of verify, %v", len(reports), err)
			}
			if _, err := os.Stat(filepath.Join(work, "store", "mboxlist", "folder.db")); err != nil {
				t.Error(err)
			}
		})
	}
}
