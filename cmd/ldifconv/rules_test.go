package main

import (
	"bytes"
	"os"
	"testing"

	"imsconv/ldifconv"
)

// TestMappingPageIsCurrent holds docs/mapping.md against the table of rules;
// the page is made by go run ./cmd/ldifconv rules --format markdown >
// docs/mapping.md.
func TestMappingPageIsCurrent(t *testing.T) {
	var want bytes.Buffer
	writeRulesMarkdown(&want, ldifconv.Rules(ldifconv.AnySource))
	got, err := os.ReadFile("../../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/mapping.md is not what the table of rules says: make it anew")
	}
}
