package verify

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// TestLongIndex looks messages up in an index that is not held, in the order of
// the UIDs and against it, and by their origin.
func TestLongIndex(t *testing.T) {
	store := t.TempDir()
	dir := filepath.Join(store, mailboxDir("primary", "joe", inbox))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	x := ims.Index{Header: ims.Header{Name: "user/joe", UIDValidity: 7, Partition: "primary"}}
	for i := range uint32(40) {
		rec := ims.Record{UID: 10 + 3*i, Size: int64(i), SentDate: ims.NoTime, OrigValidity: 7, OrigUID: 10 + 3*i}
		if i >= 30 {
			rec.OrigValidity, rec.OrigUID = 5, i // from elsewhere
		}
		x.Messages = append(x.Messages, rec)
	}
	x.Count()
	var text bytes.Buffer
	if err := x.WriteIndex(&text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, indexName), text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{10, 1000} {
		root, err := nms.OpenPath(store)
		if err != nil {
			t.Fatal(err)
		}
		v := &verifier{root: root}
		box, err := v.openMailbox("primary", "joe", inbox)
		if err != nil {
			t.Fatal(err)
		}
		view, err := newBoxView(context.Background(), box, newMessageReader(&v.cache), limit)
		if err != nil {
			t.Fatal(err)
		}
		if view.held() != (limit > 40) || !view.hadOthers(uidsSaid{validity: 7}) {
			t.Errorf("limit %d: held %v, others %v", limit, view.held(), view.hadOthers(uidsSaid{validity: 7}))
		}
		for n := range 80 {
			i := n
			if n >= 40 {
				i = 79 - n
			}
			m := x.Messages[i]
			for _, validity := range []uint32{m.OrigValidity, 0} {
				rec, err := view.find(m.OrigUID, validity, &m.SHA256)
				if err != nil || rec == nil || rec.origUID != m.OrigUID || validity != 0 && rec.uid != m.UID {
					t.Fatalf("limit %d, uid %d of %d: %+v, %v", limit, m.OrigUID, validity, rec, err)
				}
			}
		}
		if rec, err := view.find(11, 7, new([32]byte)); rec != nil || err != nil {
			t.Errorf("limit %d: a uid that is not there: %+v, %v", limit, rec, err)
		}
		view.close()
	}
}

func TestUIDBits(t *testing.T) {
	var b uidBits
	for _, uid := range []uint32{1, 63, 64, 65535, 65536, 1<<32 - 1} {
		if b.add(uid) || !b.add(uid) {
			t.Errorf("uid %d", uid)
		}
	}
	for i := range uint32(5000) {
		b.add(i << 16)
	}
	if len(b.parts) > maxUIDBits {
		t.Errorf("%d parts", len(b.parts))
	}
}
