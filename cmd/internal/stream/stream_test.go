package stream

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
)

// TestStreamChanges: a stream that is written while it is read is a problem.
func TestStreamChanges(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "site", "sims", "backup.sims"))
	if err != nil {
		t.Fatal(err)
	}
	for _, changes := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "backup.sims")
		if err := os.WriteFile(path, sample, 0o600); err != nil {
			t.Fatal(err)
		}
		verb := cli.Verb{Name: "do", New: func(*pflag.FlagSet) cli.Action {
			return func(_ context.Context, job *cli.Job, _ []string) error {
				in, err := Open(job, path)
				if err != nil {
					return err
				}
				defer in.Close()
				if changes {
					return os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute))
				}
				return nil
			}
		}}
		var talk bytes.Buffer
		status := cli.Main(t.Context(), cli.Command{Name: "test", Verbs: []cli.Verb{verb}}, []string{"test", "do"}, strings.NewReader(""), io.Discard, &talk)
		told := strings.Contains(talk.String(), "problem: "+path+": the file has changed since the run began")
		if told != changes || (status == cli.ExitLost) != changes {
			t.Errorf("changes %v: status %d\n%s", changes, status, &talk)
		}
	}
}
