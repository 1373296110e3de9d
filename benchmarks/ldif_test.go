package benchmarks

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"

	goldif "github.com/go-ldap/ldif"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/testdir"
)

// ldifUsers is the number of users of the export: 200,000 in the full run.
func ldifUsers() int {
	if os.Getenv("IMSCONV_FULL") == "1" {
		return 200_000
	}
	return 20_000
}

// ldifconvProgram builds the command once.
var ldifconvProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "imsconv-bench-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "ldifconv")
	cmd := exec.Command("go", "build", "-o", path, "imsconv/cmd/ldifconv")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// ldifFile writes a file in memory if there is such a file system, and gives
// its size.
func ldifFile(b *testing.B, name string, fill func(w io.Writer) error) (path string, size int64) {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "imsconv-bench-")
	if err != nil {
		dir = b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := fill(w); err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path, st.Size()
}

func simsExport(users int) func(w io.Writer) error {
	return func(w io.Writer) error {
		_, err := testdir.WriteSIMS(w, testdir.Options{Seed: 1, Users: users})
		return err
	}
}

// plainExport has users as most sites had them: 25 values, no photo, about 760
// bytes.
func plainExport(users int) func(w io.Writer) error {
	return func(w io.Writer) error {
		fmt.Fprint(w, "version: 1\n\ndn: o=internet\nobjectclass: top\nobjectclass: organization\no: internet\n\n"+
			"dn: dc=com,o=internet\nobjectclass: top\nobjectclass: domain\ndc: com\n\n"+
			"dn: dc=siroe,dc=com,o=internet\nobjectclass: top\nobjectclass: domain\nobjectclass: inetDomain\ndc: siroe\nmailroutinghosts: mail.siroe.com\n\n"+
			"dn: ou=People,dc=siroe,dc=com,o=internet\nobjectclass: top\nobjectclass: organizationalUnit\nou: People\n\n")
		for i := range users {
			if _, err := fmt.Fprintf(w, plainUser, i, i); err != nil {
				return err
			}
		}
		return nil
	}
}

const plainUser = `# entry-id: %[1]d
dn: cn=First Last (user%06[1]d),ou=People,dc=siroe,dc=com,o=internet
objectclass: top
objectclass: person
objectclass: organizationalPerson
objectclass: inetOrgPerson
objectclass: inetSubscriber
objectclass: inetMailUser
objectclass: inetMailRouting
cn: First Last (user%06[1]d)
cn: First Last
sn: Last
givenname: First
uid: user%06[1]d
userpassword: {crypt}abJnggxhB/yWI
mail: user%06[1]d@siroe.com
rfc822mailalias: First.Last%[1]d@siroe.com
mailhost: mail.siroe.com
maildeliveryoption: mailbox
mailfoldermap: SUN-MS
mailquota: 20M
inetmailuserversion: 1.0
inetsubscriberstatus: active
telephonenumber: +1 408 555 %06[2]d
description: Engineering, building 4, second floor
creatorsname: cn=directory manager
modifiersname: cn=directory manager
createtimestamp: 19991122073000Z
modifytimestamp: 20000105101500Z

`

// photoExport has a photo of size bytes in every entry, folded base64.
func photoExport(entries, size int) func(w io.Writer) error {
	photo := bytes.Repeat([]byte{0xff, 0xd8, 'J', 'F', 'I', 'F', 0, 1, 2, 3, 4, 5}, size/12)
	text := base64.StdEncoding.EncodeToString(photo)
	return func(w io.Writer) error {
		for i := range entries {
			fmt.Fprintf(w, "dn: uid=u%d,o=internet\nobjectclass: top\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: u%d\njpegphoto:: ", i, i)
			for rest := text; rest != ""; {
				n := min(76, len(rest))
				if _, err := fmt.Fprintf(w, "%s\n ", rest[:n]); err != nil {
					return err
				}
				rest = rest[n:]
			}
			fmt.Fprint(w, "\nmailhost: mail.siroe.com\n\n")
		}
		return nil
	}
}

// BenchmarkUpgrade runs the command on exports as large as a site's, and
// OpenLDAP's ldapmodify -a -n, which only parses, on the same file. Metrics:
// throughput, CPU seconds, peak memory.
func BenchmarkUpgrade(b *testing.B) {
	program, err := ldifconvProgram()
	if err != nil {
		b.Fatal(err)
	}
	entries := ldifUsers()
	for _, in := range []struct {
		name string
		fill func(w io.Writer) error
	}{
		{"plain", plainExport(entries)},
		{"every-attribute", simsExport(entries)},
		{"photos-1MB", photoExport(entries/2500, 1<<20)},
	} {
		path, size := ldifFile(b, "export.ldif", in.fill)
		upgrade := func(args ...string) []string {
			return append([]string{program, "upgrade", "--quiet", "-M", "sims", "-b", "o=internet", "-o", "/dev/null"}, append(args, path)...)
		}
		for _, run := range []struct {
			name    string
			command []string
		}{
			{"ldapmodify-n", []string{"ldapmodify", "-a", "-n", "-f", path}},
			{"changes", upgrade()},
			{"changes-1-job", upgrade("--jobs", "1")},
			{"changes-and-undo", upgrade("--undo", "/dev/null")},
			{"full", upgrade("--format", "ldif", "--check=no")},
			{"full-and-check", upgrade("--format", "ldif")},
		} {
			b.Run(in.name+"/"+run.name, func(b *testing.B) {
				if _, err := exec.LookPath(run.command[0]); err != nil {
					b.Skip(err)
				}
				debug.FreeOSMemory() // a child's peak begins with its parent's size
				b.SetBytes(size)
				var cpu float64
				var rss int64
				for b.Loop() {
					u := measured(b, run.command)
					cpu += u.cpu.Seconds()
					rss = max(rss, u.rss)
				}
				b.ReportMetric(cpu/float64(b.N), "cpu-s/op")
				b.ReportMetric(float64(rss)/(1<<20), "MiB-peak")
			})
		}
	}
}

// BenchmarkReadLDIF reads records in this process, with our reader and with
// go-ldap/ldif.
func BenchmarkReadLDIF(b *testing.B) {
	for _, in := range []struct {
		name string
		fill func(w io.Writer) error
	}{
		{"plain", plainExport(5000)},
		{"photos-100kB", photoExport(20, 100_000)},
	} {
		var text bytes.Buffer
		if err := in.fill(&text); err != nil {
			b.Fatal(err)
		}
		b.Run(in.name+"/ours", func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				r := ldif.NewReader(bytes.NewReader(text.Bytes()), ldif.Options{})
				for {
					if _, err := r.Next(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(in.name+"/go-ldap-ldif", func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range goldif.UnmarshalEntries(bytes.NewReader(text.Bytes()), &goldif.LDIF{}) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkUpgradeMillion streams a million entries, in order and backwards, to
// see the memory it takes.
func BenchmarkUpgradeMillion(b *testing.B) {
	if os.Getenv("IMSCONV_FULL") != "1" {
		b.Skip("takes about 2 GB of temporary space: IMSCONV_FULL=1")
	}
	program, err := ldifconvProgram()
	if err != nil {
		b.Fatal(err)
	}
	path, size := ldifFile(b, "million.ldif", plainExport(1_000_000))
	late, lateSize := ldifFile(b, "late.ldif", lateParents(1_000_000))
	for _, run := range []struct {
		name, path string
		size       int64
		args       []string
	}{
		{"changes", path, size, nil},
		{"full", path, size, []string{"--format", "ldif", "--check=no"}},
		{"full-out-of-order", late, lateSize, []string{"--format", "ldif", "--check=no"}},
	} {
		b.Run(run.name, func(b *testing.B) {
			b.SetBytes(run.size)
			var rss int64
			command := append([]string{program, "upgrade", "--quiet", "-M", "sims", "-b", "o=internet", "-o", "/dev/null"}, run.args...)
			for b.Loop() {
				rss = max(rss, measured(b, append(command, run.path)).rss)
			}
			b.ReportMetric(float64(rss)/(1<<20), "MiB-peak")
		})
	}
}

// lateParents has every entry in front of its parent, and a parent for every
// second one.
func lateParents(entries int) func(w io.Writer) error {
	return func(w io.Writer) error {
		for i := range entries / 2 {
			if _, err := fmt.Fprintf(w, "dn: cn=pab,uid=u%[1]d,o=internet\nobjectclass: top\ncn: pab\n\n"+
				"dn: uid=u%[1]d,o=internet\nobjectclass: top\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: u%[1]d\nmail: u%[1]d@siroe.com\n\n", i); err != nil {
				return err
			}
		}
		_, err := fmt.Fprint(w, "dn: o=internet\nobjectclass: organization\no: internet\n")
		return err
	}
}
