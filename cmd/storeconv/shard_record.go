package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/shards/merge"
)

// recordShard has the run of a part leave its report in the store, for merge,
// when it has done its work. That of an earlier run goes first. A run of all
// users leaves none.
func recordShard(ctx context.Context, job *cli.Job, store string, owner *storeconv.Owner, part storeconv.Shard, source string, paths ...string) error {
	if part.Count < 1 {
		return nil
	}
	if owner != nil {
		if err := owner.Check(); err != nil {
			return err
		}
	}
	m := merge.Mark{Index: part.Number(), Count: part.Count, Source: source, Paths: strings.Join(paths, "\n")}
	if part.Plan != nil {
		m.Plan = part.Plan.ID
	}
	claim, err := merge.BeginPart(ctx, store, m, owner)
	if err != nil {
		return err
	}
	job.Hold(claim)
	told := struct {
		Shard   merge.Mark     `json:"shard"`
		Earlier *merge.Earlier `json:"earlier,omitempty"`
	}{Shard: m}
	if claim.Earlier.Runs > 0 {
		told.Earlier = &claim.Earlier
	}
	job.Data(told)
	job.KeepReport(merge.RecordPath(store, m.Index, m.Count))
	return nil
}

// streamsIdentity stands for the content of streams.
func streamsIdentity(streams []*restore.Stream) string {
	h := sha256.New()
	for _, s := range streams {
		h.Write(s.ID[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// identityBytes is how much of the beginning of a database stands for it.
const identityBytes = 1 << 20

// nmsIdentity stands for the content of a store of NMS: sizes and beginnings of
// its databases, so that copies on several machines are the same. A store
// without them has none.
func nmsIdentity(dir string) (string, error) {
	src, err := nms.Open(dir)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	any := false
	for _, path := range []string{src.DataDB, src.QuotaDB} {
		if path == "" {
			io.WriteString(h, "none\n") // a hash takes all
			continue
		}
		any = true
		if err := hashBeginning(h, path); err != nil {
			return "", err
		}
	}
	if !any {
		return "", nil
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

func hashBeginning(h io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	for n := range 8 {
		h.Write([]byte{byte(size >> (8 * n))}) // a hash takes all
	}
	_, err = io.Copy(h, io.LimitReader(f, identityBytes))
	return err
}
