package main

import (
	"testing"

	"imsconv/cmd/internal/ledger"
)

// TestFindingsHaveAdvice: what a look at the inputs may find is a kind that
// reports have advice on, in every language.
func TestFindingsHaveAdvice(t *testing.T) {
	for kind := range kinds {
		for _, lang := range ledger.Langs {
			if _, ok := ledger.AdviceFor(kind, lang); !ok {
				t.Errorf("reports know nothing of %q", kind)
			}
		}
	}
}
