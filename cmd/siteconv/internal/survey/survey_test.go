package survey

import (
	"strings"
	"testing"
)

func TestPilots(t *testing.T) {
	var many []weighed
	for i := range 100 {
		many = append(many, weighed{string(rune('a'+i%26)) + strings.Repeat("x", i/26), int64(i * 7 % 100)})
	}
	if got := pilotOf(many); len(got) != 3 || got[0] == got[1] || got[1] == got[2] {
		t.Errorf("%q", got)
	}
	if got := pilotOf([]weighed{{"b", 2}, {"a", 1}}); strings.Join(got, " ") != "a" && strings.Join(got, " ") != "a b" {
		t.Errorf("%q", got)
	}
	if got := pilotOf(nil); got != nil {
		t.Errorf("%q", got)
	}
}
