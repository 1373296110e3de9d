package relocate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func verifyNMS(t testing.TB, opts VerifyNMSOptions) (VerifyNMSReport, *heard) {
	t.Helper()
	h := new(heard)
	opts.Log = h
	rep, err := VerifyNMS(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return rep, h
}

func TestVerifyNMS(t *testing.T) {
	const user = "partition/primary/=user/45/c2/=wallyc"
	message := func(store string) string {
		list, err := filepath.Glob(filepath.Join(store, user, "00", "*.msg"))
		if err != nil || len(list) == 0 {
			t.Fatalf("no message of wallyc: %v", err)
		}
		return list[0]
	}
	for _, tt := range []struct {
		name string
		via  Via
		harm func(store string) error
		want string // in the one problem; "": none
	}{
		{name: "copy", via: ViaCopy},
		{name: "hardlink", via: ViaHardlink},
		{name: "symlink", via: ViaSymlink},
		{"other bytes", ViaCopy, func(store string) error {
			path := message(store)
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[len(data)/2] ^= 1
			if err := os.WriteFile(path, data, 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, info.ModTime(), info.ModTime())
		}, "other bytes"},
		{"missing message", ViaCopy, func(store string) error { return keepTime(message(store), os.Remove) }, "not in the new store"},
		{"extra message", ViaCopy, func(store string) error {
			return keepTime(filepath.Join(filepath.Dir(message(store)), "9999.msg"), func(path string) error { return os.WriteFile(path, nil, 0o600) })
		}, "does not have"},
		{"mode", ViaCopy, func(store string) error { return os.Chmod(message(store), 0o777) }, "mode 0777"},
		{"time", ViaCopy, func(store string) error { return os.Chtimes(message(store), time.Time{}, time.Unix(1, 0)) }, "modification time"},
		{"missing user", ViaCopy, func(store string) error { return os.RemoveAll(filepath.Join(store, user)) }, "user wallyc: not in the new store"},
		{"missing database", ViaCopy, func(store string) error { return os.Remove(filepath.Join(store, "mboxlist/quota.db")) }, "no such file"},
		{"other subscriptions", ViaCopy, func(store string) error {
			return keepTime(filepath.Join(store, "user/45/c2/wallyc.sub"), func(path string) error { return os.Truncate(path, 3) })
		}, "other bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := copySample(t)
			store := filepath.Join(memoryDir(t), "store")
			relocate(t, store, from, Options{Via: tt.via})
			if tt.harm != nil {
				if err := tt.harm(store); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, store)
			rep, h := verifyNMS(t, VerifyNMSOptions{From: from, Store: store})
			if tt.want == "" {
				h.none(t)
				if rep.Users != 8 || rep.FolderRecords != 19 || rep.QuotaRecords != 8 || rep.Mailboxes != 19 {
					t.Errorf("report: %+v", rep)
				}
				return
			}
			if len(h.problems) != 1 || !strings.Contains(h.problems[0], tt.want) {
				t.Errorf("want one problem with %q, told:\n%s", tt.want, strings.Join(h.problems, "\n"))
			}
			if len(tree(t, store)) != len(before) {
				t.Error("verify changed the store")
			}
		})
	}
}

// keepTime changes a file and leaves times of file and directory as they were.
func keepTime(path string, change func(string) error) error {
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	file, fileErr := os.Stat(path)
	if err := change(path); err != nil {
		return err
	}
	if fileErr == nil {
		if err := os.Chtimes(path, file.ModTime(), file.ModTime()); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return os.Chtimes(filepath.Dir(path), dir.ModTime(), dir.ModTime())
}
