package merge_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/shards/merge"
)

// TestLostOfPart: what a part has lost since it was made is told with its
// place, and all else is merged.
func TestLostOfPart(t *testing.T) {
	s := newSite(t)
	joe, ann := user(s.parts[0], s.users[0]), user(s.parts[2], s.users[8])
	gone := strings.TrimPrefix(firstMessage(t, joe), joe+"/")
	must(t, os.Remove(joe+"/"+gone))
	must(t, os.Remove(s.parts[0]+"/mboxlist/quota.db"))
	must(t, os.Remove(s.parts[1]+"/mboxlist/subscr.db"))
	must(t, os.Remove(s.parts[2]+"/mboxlist/peruser.db"))
	text, err := os.ReadFile(ann + "/store.idx")
	must(t, err)
	must(t, os.WriteFile(ann+"/store.idx", text[:len(text)-1], 0o600))
	want := []string{
		"missing-file p1/" + ims.UserDir("primary", s.users[0]) + "/" + gone + ": the index names it, the file is not there",
		"missing-database p1/mboxlist/quota.db: the database is not there",
		"missing-database p2/mboxlist/subscr.db: the database is not there",
		"missing-database p3/mboxlist/peruser.db: the database is not there",
		"bad-index p3/" + ims.UserDir("primary", s.users[8]) + ": store.idx, line ",
	}
	for _, opt := range []merge.Options{{DryRun: true}, {Via: merge.ViaCopy}, {}} {
		rep, log := s.merge(t, opt) // the third finds all of it in place
		log.wants(t, want...)
		if rep.Trees != 9 || rep.LeftOut != 0 {
			t.Errorf("%+v", rep)
		}
	}
	s.same(t, false, s.users[0], s.users[8])
	if _, err := os.Stat(user(s.store(), s.users[0]) + "/store.idx"); err != nil {
		t.Error(err)
	}
}

// TestLostOfOwnParts: of parts that were made in the store itself the databases
// that are gone are told.
func TestLostOfOwnParts(t *testing.T) {
	s := newSite(t)
	writeRecord(t, s.whole, 1, 1)
	for _, name := range []string{"quota.db", "subscr.db"} {
		must(t, os.Remove(s.whole+"/mboxlist/"+name))
	}
	log := &kept{}
	_, err := merge.Merge(t.Context(), s.whole, nil, merge.Options{Log: log})
	must(t, err)
	for i := range log.lines {
		log.lines[i] = strings.ReplaceAll(log.lines[i], s.dir+"/", "")
	}
	log.wants(t, "missing-database whole/mboxlist/quota.db: ", "missing-database whole/mboxlist/subscr.db: ")
}

// TestLostMany: the messages of a mailbox that has lost very many are told one
// by one up to a bound, and the others by their number.
func TestLostMany(t *testing.T) {
	s := newSite(t)
	joe := user(s.parts[0], s.users[0])
	var index bytes.Buffer
	x := ims.Index{}
	for uid := range uint32(1003) {
		x.Messages = append(x.Messages, ims.Record{UID: uid + 1_000_001})
	}
	x.Count()
	must(t, x.WriteIndex(&index))
	must(t, os.WriteFile(joe+"/store.idx", index.Bytes(), 0o600))
	_, log := s.merge(t, merge.Options{})
	if n := len(log.lines); n != 1001 {
		t.Fatalf("%d lines", n)
	}
	want := "missing-file p1/" + ims.UserDir("primary", s.users[0]) + ": 3 more messages that the index names are not there"
	if last := log.lines[1000]; last != want {
		t.Errorf("%q, want %q", last, want)
	}
}

// TestLostBehindBadLine: a line that cannot be read is told once, and what the
// lines behind it name is looked for.
func TestLostBehindBadLine(t *testing.T) {
	s := newSite(t)
	joe := user(s.parts[0], s.users[0])
	path := "p1/" + ims.UserDir("primary", s.users[0])
	var index bytes.Buffer
	x := ims.Index{}
	for uid := range uint32(4) {
		x.Messages = append(x.Messages, ims.Record{UID: uid + 1_000_001})
	}
	x.Count()
	must(t, x.WriteIndex(&index))
	text := strings.NewReplacer("\n1000001\t", "\nx\t", "\n1000003\t", "\nx\t").Replace(index.String())
	must(t, os.WriteFile(joe+"/store.idx", []byte(text), 0o600))
	_, log := s.merge(t, merge.Options{})
	log.wants(t, "bad-index "+path+": store.idx, line ", "missing-file "+path+"/"+ims.MessagePath(1_000_002)+": ", "missing-file "+path+"/"+ims.MessagePath(1_000_004)+": ")
}
