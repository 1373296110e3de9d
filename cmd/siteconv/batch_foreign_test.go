package main

import (
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/testsite/edits"
)

// TestStreamOfNobody gives a batch whole streams that have mail of others
// alone, and of nobody at all: the users would move without their mail, which
// is a problem, as the preflight says.
func TestStreamOfNobody(t *testing.T) {
	site := batchedSite(t)
	_, run := lockedPilot(t, site)
	data := bytesOf(t, filepath.Join(site, "backup.sims.later"))
	empty := append(data[:1024:1024], make([]byte, 10240)...)
	others := string(data)
	for _, i := range []int{0, 1, 2} {
		id := testsite.UserID(i)
		others = strings.ReplaceAll(others, id+"/", "x"+id[1:]+"/")
	}
	for name, stream := range map[string][]byte{"of nobody": empty, "of others": edits.MendTar([]byte(others))} {
		path := write(t, t.TempDir(), "other.sims", stream)
		if _, said := run("--stream", path, "--preflight"); !strings.Contains(said, "[foreign-stream]") {
			t.Errorf("%s, the preflight: %s", name, said)
		}
		if code, said := run("--stream", path); code != cli.ExitLost || !strings.Contains(said, "of nobody of the batch") || !strings.Contains(said, "[foreign-stream]") {
			t.Errorf("%s: exit %d\n%s", name, code, said)
		}
	}
}
