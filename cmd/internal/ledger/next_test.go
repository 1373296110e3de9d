package ledger

import (
	"bytes"
	"strings"
	"testing"
)

func TestNextStep(t *testing.T) {
	for _, tt := range []struct {
		text, en, ja string
		known        bool
	}{
		{"ldapmodify -D x -f $1", "ldapmodify -D x -f $1", "ldapmodify -D x -f $1", false},
		{"# on the old host: sh 'a $1 b'", "on the old host: sh 'a $1 b'", "旧ホストで実行する: sh 'a $1 b'", true},
		{"# on new.siroe.com: x", "on new.siroe.com: x", "new.siroe.com で実行する: x", true},
		{"# to go back: a: b", "to go back: a: b", "元に戻す場合: a: b", true},
		{"# something of tomorrow", "something of tomorrow", "something of tomorrow", false},
	} {
		for lang, want := range map[string]string{"en": tt.en, "ja": tt.ja} {
			if got, known := NextStep(tt.text, lang); got != want || known != tt.known {
				t.Errorf("%q in %s: %q, %v", tt.text, lang, got, known)
			}
		}
	}
}

// TestNextOfTheLatest: what is left to do is what the last batch says.
func TestNextOfTheLatest(t *testing.T) {
	l := reading(t, site(t, 4, true), nil)
	var b bytes.Buffer
	if err := l.HTML(&b, "en"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "Of the batch sales &amp; &lt;b&gt;:") || !strings.Contains(b.String(), "/batches/sales &amp; &lt;b&gt;&#39;") {
		t.Error("the page does not name the batch and its folder")
	}
}
