package storeconv

import "testing"

func TestMailboxEncodings(t *testing.T) {
	for enc, in := range map[string]string{"": "Entw&APw-rfe", "IMAP_MODIFIED-UTF-7": "Entw&APw-rfe", "UTF-8": "Entwürfe", "ISO-8859-1": "Entw\xfcrfe"} {
		decode, err := ParseEncoding(enc)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decode(in); err != nil || got != "Entw&APw-rfe" {
			t.Errorf("%q: %q, %v", enc, got, err)
		}
	}
}

func TestShard(t *testing.T) {
	for _, s := range []string{"", "1", "1/0", "-1/3", "4/3", "a/b", "1/2/3"} {
		if _, err := ParseShard(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
	for _, user := range []string{"joe", "ann", "bob@siroe.com"} {
		n := 0
		for i := 1; i <= 5; i++ {
			if (Shard{i % 5, 5}).Has(user) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is in %d of 5 parts", user, n)
		}
	}
}
