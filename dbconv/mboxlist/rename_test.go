package mboxlist

import "testing"

// users renames by a table.
func users(table map[string]string) func(string) string {
	return func(id string) string {
		if to, ok := table[id]; ok {
			return to
		}
		return id
	}
}

func TestRename(t *testing.T) {
	names := Names{
		User:      users(map[string]string{"anna": "zoe", "bob": "anna"}),
		Partition: func(name string) string { return map[string]string{"primary": "p1"}[name] },
	}
	tests := []struct{ key, value, wantKey, want, err string }{
		{"user/anna", "primary\tanna\tlrs", "user/zoe", "p1\tzoe\tlrs", ""},
		{"user/anna/Mail", "primary\tanna\tlrs\t", "user/zoe/Mail", "p1\tzoe\tlrs\t", ""},
		{"user/eva", "primary\t-anna\tlr\tanyone\tl", "user/eva", "p1\t-zoe\tlr\tanyone\tl", ""},
		{"user/eva", "primary\tzoe\tlr\tbob\tl\tanna\tlsw", "user/eva", "p1\tzoe\tlrsw\tanna\tl", ""},
		{"shared/anna", "primary", "shared/anna", "p1", ""},
		{"user/anna", "\x00\x01anna", "user/zoe", "\x00\x01anna", "folder record: byte 0: a control byte"},
		{"user/anna", "0 default anna\tlr", "user/zoe", "0 default anna\tlr", "folder record: byte 14: an identifier without rights"},
		{"user/anna", "0 default\tanna\tlr", "user/zoe", "0 default\tanna\tlr", "folder record: byte 1: a blank in the partition: a value of another form"},
	}
	for _, tc := range tests {
		key, value, err := Rename(tc.key, []byte(tc.value), names)
		if key != tc.wantKey || string(value) != tc.want && tc.err != "folder record: byte 14: an identifier without rights" || err != nil != (tc.err != "") {
			t.Errorf("%q %q: %q %q %v", tc.key, tc.value, key, value, err)
		}
	}
	same := []byte("primary\teva\tlrs\teva\tw")
	if _, got, err := Rename("user/eva", same, Names{User: names.User}); err != nil || string(got) != string(same) {
		t.Errorf("nothing to rename: %q, %v", got, err)
	}
}

func TestNamesRenamed(t *testing.T) {
	user := users(map[string]string{"anna": "zoe"})
	for value, want := range map[string]string{
		"\x00\x04anna\x00": "anna", "acl:anna lr": "anna", "-anna": "anna", "annabel": "", "anna@siroe.com": "", "": "",
	} {
		if got := NamesRenamed([]byte(value), user); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func TestKeyForms(t *testing.T) {
	tests := []struct {
		form, key, id, folder string
		ok                    bool
	}{
		{"user/%s", "user/anna", "anna", "", true},
		{"user/%s", "user/anna/Mail/Old", "anna", "Mail/Old", true},
		{"user/%s", "user/anna\x00", "", "", false},
		{"user/%s%00", "user/anna/Mail\x00", "anna", "Mail", true},
		{"user.%s", "user.john^smith.Mail", "john.smith", "Mail", true},
		{"user.%s", "user/anna", "", "", false},
		{"%s%00", "anna\x00", "anna", "", true},
		{"%s", "anna", "anna", "", true},
	}
	for _, tc := range tests {
		f, err := ParseKeyForm(tc.form)
		if err != nil {
			t.Fatal(err)
		}
		if f.String() != tc.form {
			t.Errorf("%q: printed %q", tc.form, f)
		}
		id, folder, ok := f.Split(tc.key)
		if id != tc.id || folder != tc.folder || ok != tc.ok {
			t.Errorf("%s %q: %q %q %t", tc.form, tc.key, id, folder, ok)
		}
		if ok && f.Key(id, folder) != tc.key {
			t.Errorf("%s %q: made %q", tc.form, tc.key, f.Key(id, folder))
		}
	}
	for _, bad := range []string{"user/", "%s%s", "%zz%s"} {
		if f, err := ParseKeyForm(bad); err == nil {
			t.Errorf("%q taken as %s", bad, f)
		}
	}
	if f, ok := FindKeyForm([]string{"user.anna", "user.bob", "x"}); !ok || f.String() != "user.%s" {
		t.Errorf("found %s, %t", f, ok)
	}
}
