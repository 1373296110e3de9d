package merge

import "testing"

// TestSameChoices: runs belong together whose options mean the same, however
// they were given.
func TestSameChoices(t *testing.T) {
	type options map[string]string
	for _, tt := range []struct {
		name string
		a, b options
		want string
	}{
		{"none", nil, nil, ""},
		{"what is so anyway", options{"newline": "keep", "partition": "primary", "no-index": "false", "kind": "auto", "encoding": "IMAP-MODIFIED-UTF-7", "continue": "y", "sync": "batch"}, nil, ""},
		{"what decides nothing", options{"jobs": "2", "sync": "none", "owner": "0:0", "file": "/a/x", "bdb": "6", "byte-order": "big", "page-size": "8KiB"}, options{"file": "x"}, ""},
		{"an encoding by another name", options{"encoding": "utf-8"}, options{"encoding": "UTF8"}, ""},
		{"and by an alias", options{"encoding": "latin1"}, options{"encoding": "ISO-8859-1"}, ""},
		{"another encoding", options{"encoding": "utf-8"}, nil, "made with another --encoding"},
		{"a domain in other letters", options{"default-domain": "Siroe.COM"}, options{"default-domain": "siroe.com"}, ""},
		{"another domain", options{"default-domain": "siroe.com"}, nil, "made with another --default-domain"},
		{"another partition", options{"partition": "second"}, nil, "made with another --partition"},
		{"a switch", options{"no-index": "true"}, options{"no-index": "false"}, "made with another --no-index"},
		{"renamed partitions in another order", options{"partition": "a=b\nc=d"}, options{"partition": "c=d\na=b\nc=d"}, ""},
		{"partitions that lie elsewhere", options{"partition": "a=/mnt/1/a\n/x=y/old=new"}, options{"partition": "../z/old=new\na=disk/a"}, ""},
		{"a partition that is called as it is", options{"partition": "a=a"}, nil, ""},
		{"other partitions", options{"partition": "a=b"}, options{"partition": "a=c"}, "made with another --partition"},
		{"what is not known", options{"novel": "1"}, nil, "made with another --novel"},
	} {
		a, b := &Record{Options: tt.a}, &Record{Options: tt.b}
		for range 2 {
			if got := differentChoice(a.choices(), b.choices()); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
			a, b = b, a
		}
	}
}

// TestSameFiles: a file that an option names is what is in it.
func TestSameFiles(t *testing.T) {
	of := func(options map[string]string, inputs ...recordInput) map[string]string {
		r := Record{Options: options, Inputs: inputs}
		return r.choices()
	}
	a := of(map[string]string{"limits": "/a/one.ldif", "map": "map"}, recordInput{"limits", 5, "1"}, recordInput{"map", 2, "9"})
	b := of(map[string]string{"ldif": "one.ldif", "map": "./map"}, recordInput{"map", 2, "9"}, recordInput{"ldif", 5, "1"})
	if why := differentChoice(a, b); why != "" {
		t.Error(why)
	}
	c := of(map[string]string{"limits": "one.ldif", "map": "map"}, recordInput{"limits", 5, "1"}, recordInput{"map", 2, "8"})
	if why := differentChoice(a, c); why != "made with another --map" {
		t.Error(why)
	}
	// Of a user whom two exports have, the first counts.
	d := of(map[string]string{"limits": "x\ny"}, recordInput{"limits", 5, "1"}, recordInput{"limits", 5, "2"})
	e := of(map[string]string{"limits": "y\nx"}, recordInput{"limits", 5, "2"}, recordInput{"limits", 5, "1"})
	if why := differentChoice(d, e); why != "made with another --limits" {
		t.Error(why)
	}
}

// TestSamePaths: PATHs are the same in any order.
func TestSamePaths(t *testing.T) {
	a, b := Record{Command: "storeconv restore"}, Record{Command: "storeconv restore"}
	a.Shard, b.Shard = Mark{Index: 1, Count: 2, Paths: "a\nb"}, Mark{Index: 2, Count: 2, Paths: "b\na"}
	if err := sameDivision(&a, &b); err != nil {
		t.Error(err)
	}
	if b.Shard.Paths = "b"; sameDivision(&a, &b) == nil {
		t.Error("other PATHs are taken")
	}
}
