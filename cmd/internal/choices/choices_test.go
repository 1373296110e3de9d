package choices

import (
	"testing"

	"github.com/spf13/pflag"
)

func TestRelative(t *testing.T) {
	for _, tt := range []struct {
		c                 Choices
		flag, value, want string
	}{
		{new(Upgrade), "uid-map", "ids", "/site/ids"},
		{new(Upgrade), "uid-map", "../ids", "/ids"},
		{new(Upgrade), "program-map", "/ids", "/ids"},
		{new(Upgrade), "data-source", "ids", "ids"},
		{new(Restore), "users", "u", "/site/u"},
		{new(Restore), "users", "-", "-"},
		{new(Restore), "map", "m", "/site/m"},
		{new(Restore), "reference", "full.sims", "/site/full.sims"},
		{new(Restore), "partition", "a/b", "a/b"},
		{new(Relocate), "partition", "a=b", "a=b"},
		{new(Relocate), "partition", "p/a=b", "/site/p/a=b"},
		{new(Relocate), "partition", "a=p/b", "a=/site/p/b"},
		{new(Relocate), "partition", "/p/a=b=c", "/p/a=b=c"},
		{new(Relocate), "partition", "a=/p/b", "a=/p/b"},
		{new(Relocate), "partition", "a", "a"},
		{new(Export), "users", "u", "/site/u"},
		{new(Export), "path", "%d/%n", "%d/%n"},
	} {
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		tt.c.Add(fs)
		if got := Relative(fs.Lookup(tt.flag), "/site", tt.value); got != tt.want {
			t.Errorf("%T --%s %q: %q, want %q", tt.c, tt.flag, tt.value, got, tt.want)
		}
	}
}
