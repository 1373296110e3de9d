package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/peer"
	"imsconv/ldifconv/schema"
)

// TestDirectoryIsTakenBy389DS: a server that checks schema and syntax, with the
// schema that was written, takes the export, the change records in their order
// and those of delegated administration, and gives back what the undo undoes.
// The whole upgraded directory is taken too.
func TestDirectoryIsTakenBy389DS(t *testing.T) {
	sims, nms := generated(t), nmsSite(t)
	out := t.TempDir()
	convert(t, cli.ExitDone, "--scenario", "sims-online", "--site", sims, "--out", out+"/sims",
		"--default-domain", "siroe.com", "--old-host", "old.siroe.com", "--new-host", "new.siroe.com", "--quiet")
	convert(t, cli.ExitDone, "--scenario", "nms-single", "--site", nms, "--out", out+"/nms", "--quiet")
	ds := peer.NewDS389(t, []byte(readFile(t, out+"/sims/schema/99imsconv.ldif")), "o=internet", "o=siroe.com")
	t.Run("sims", func(t *testing.T) { takenBy389DS(t, ds.For(t), 0, sims, out+"/sims") })
	t.Run("nms", func(t *testing.T) { takenBy389DS(t, ds.For(t), 1, nms, out+"/nms") })
}

// takenBy389DS tries one site on one backend.
func takenBy389DS(t *testing.T, ds *peer.DS389, backend int, site, out string) {
	export := readFile(t, filepath.Join(site, "export.ldif"))
	for _, text := range []string{readFile(t, filepath.Join(out, upgraded)), export} {
		if _, refused := ds.Import(backend, []byte(text)); refused > 0 {
			t.Fatalf("%d entries are refused:\n%s", refused, ds.Log())
		}
	}
	before := ds.Export(backend)
	modify389(t, ds, out, domainChanges, userChanges)
	sameBut(t, "upgraded", ds.Export(backend), []byte(readFile(t, filepath.Join(out, upgraded))))
	modify389(t, ds, out, undo)
	sameBut(t, "taken back", ds.Export(backend), before)
	if _, err := os.Stat(filepath.Join(out, delegation)); err == nil {
		modify389(t, ds, out, domainChanges, userChanges, delegation)
		modify389(t, ds, out, delegationUndo, undo)
		sameBut(t, "taken back with delegated administration", ds.Export(backend), before)
	}
}

// modify389 gives files of change records to the server, which must take each.
func modify389(t *testing.T, ds *peer.DS389, out string, names ...string) {
	t.Helper()
	ds.Start()
	defer ds.Stop()
	for _, name := range names {
		text, err := peer.Command(t, peer.Need(t, "ldapmodify"), "-x", "-H", ds.URI, "-D", peer.Manager, "-w", ds.Password,
			"-f", filepath.Join(out, name)).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text[max(0, len(text)-2000):])
		}
	}
}

// sameBut is sameEntries but for what a server keeps for itself.
func sameBut(t *testing.T, what string, got, want []byte) {
	t.Helper()
	sameEntries(t, what, withoutOperational(got), withoutOperational(want))
}

// withoutOperational leaves out the lines of operational attributes.
func withoutOperational(export []byte) []byte {
	var kept strings.Builder
	drop := false
	for line := range strings.Lines(string(export)) {
		if !strings.HasPrefix(line, " ") {
			name, _, _ := strings.Cut(line, ":")
			id, known := schema.LookupString(name)
			drop = strings.HasPrefix(line, "#") || known && schema.Operational(id) || strings.EqualFold(name, "entryusn") || strings.EqualFold(name, "nsUniqueId")
		}
		if !drop {
			kept.WriteString(line)
		}
	}
	return []byte(kept.String())
}
