package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // the formats register themselves
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// format is a kind of package.
type format struct {
	name string // as nfpm says
	zsh  string // where the distributions have completions for zsh
	file func(version string, t target) string
}

var formats = []format{
	{
		name: "deb", zsh: "usr/share/zsh/vendor-completions",
		file: func(version string, t target) string { return fmt.Sprintf("imsconv_%s_%s.deb", version, t.arch) },
	},
	{
		name: "rpm", zsh: "usr/share/zsh/site-functions",
		file: func(version string, t target) string { return fmt.Sprintf("imsconv-%s.%s.rpm", version, t.rpm) },
	},
}

const (
	docDir  = "usr/share/doc/imsconv"
	dataDir = "usr/share/imsconv"
)

// place is where a file of the archive lies once a package is installed.
func (f format) place(name string) string {
	first, rest, _ := strings.Cut(name, "/")
	switch first {
	case "bin":
		return "usr/" + name
	case "share":
		if base, ok := strings.CutPrefix(rest, "zsh/site-functions/"); ok {
			return f.zsh + "/" + base
		}
		if strings.HasPrefix(rest, "man/") {
			return "usr/" + name + ".gz"
		}
		return "usr/" + name
	case "selftest", sumsDir, "testdata", "deploy":
		return dataDir + "/" + name
	}
	return docDir + "/" + name
}

// summary and description are what the packages say of themselves.
const summary = "offline converters for mail sites of SIMS 4.0 and NMS 4.x"

const description = `Converts directory exports, mail stores and mailbox databases of Sun Internet
Mail Server 4.0 and Netscape Messaging Server 4.x to iPlanet Messaging Server
5.x, or to the Maildir++ and mbox of today's servers: file to file, on any
Linux machine, without a network or a server.

The programs are linked statically and need nothing else. To try them on the
sample site run /` + dataDir + `/selftest.`

// writePackage writes one package of a tree into dir.
func (r *release) writePackage(f format, t target, content tree, dir string) (err error) {
	packager, err := nfpm.Get(f.name)
	if err != nil {
		return err
	}
	info, err := r.packageInfo(f, t, content)
	if err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(dir, f.file(r.version, t)))
	if err != nil {
		return err
	}
	if err := packager.Package(nfpm.WithDefaults(info), out); err != nil {
		out.Close()
		return fmt.Errorf("%s: %w", out.Name(), err)
	}
	return out.Close()
}

// packageInfo says all that the packager would else ask this machine: host,
// times, owners, compression.
func (r *release) packageInfo(f format, t target, content tree) (*nfpm.Info, error) {
	contents, err := r.contents(f, t, content)
	if err != nil {
		return nil, err
	}
	compression := fmt.Sprintf("gzip:%d", r.level)
	text := description
	if f.name == "deb" { // the first line is the summary, and an empty one has a dot
		text = summary + "\n" + strings.ReplaceAll(description, "\n\n", "\n.\n")
	}
	return &nfpm.Info{
		Name: "imsconv", Arch: t.arch, Platform: "linux",
		// A candidate comes before its release: 1.0~rc1 is less than 1.0.
		Version: strings.Replace(r.version, "-", "~", 1), VersionSchema: "none",
		Section: "mail", Priority: "optional",
		Maintainer: r.maintainer, Description: text, License: "Apache-2.0",
		MTime: r.date, DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Contents: contents,
			Deb:      nfpm.Deb{Compression: compression},
			RPM: nfpm.RPM{
				BuildHost: "localhost", Compression: compression, Group: "Applications/Internet",
				Packager: r.maintainer, Summary: summary,
			},
		},
	}, nil
}

// contents are the files, links and folders of a package. Folders that are only
// ours belong to it, so that they go when it goes.
func (r *release) contents(f format, t target, content tree) (files.Contents, error) {
	work := filepath.Join(r.work, f.name+"-"+t.arch)
	placed := tree{}
	for _, e := range content.sorted() {
		p, err := f.packed(work, e)
		if err != nil {
			return nil, err
		}
		if err := placed.add(p); err != nil {
			return nil, err
		}
	}
	if f.name == "deb" {
		if err := r.addDebian(placed, work); err != nil {
			return nil, err
		}
	}
	var list files.Contents
	for _, dir := range placed.folders() {
		if inside(dir, docDir) || inside(dir, dataDir) {
			list = append(list, &files.Content{Destination: "/" + dir, Type: files.TypeDir, FileInfo: r.fileInfo(0o755)})
		}
	}
	for _, e := range placed.sorted() {
		list = append(list, r.packageFile(f, e))
	}
	return list, nil
}

func inside(dir, of string) bool { return dir == of || strings.HasPrefix(dir, of+"/") }

// packed is an entry at its place. Manual pages are compressed, as the
// distributions have them.
func (f format) packed(work string, e entry) (entry, error) {
	name := f.place(e.name)
	if path.Ext(name) != ".gz" || path.Ext(e.name) == ".gz" {
		e.name = name
		return e, nil
	}
	e.name = name
	if e.link != "" {
		e.link += ".gz"
		return e, nil
	}
	text, err := os.ReadFile(e.from)
	if err != nil {
		return e, err
	}
	e.from, err = compress(work, name, text)
	return e, err
}

// packageFile is an entry as nfpm takes it.
func (r *release) packageFile(f format, e entry) *files.Content {
	c := &files.Content{Source: e.from, Destination: "/" + e.name, Type: files.TypeFile, FileInfo: r.fileInfo(e.mode)}
	switch {
	case e.link != "":
		c.Source, c.Type, c.FileInfo = e.link, files.TypeSymlink, r.fileInfo(0o777)
	case f.name == "rpm" && e.name == docDir+"/LICENSE", f.name == "rpm" && inside(e.name, docDir+"/licences"):
		c.Type = files.TypeRPMLicense
	case f.name == "rpm" && inside(e.name, docDir):
		c.Type = files.TypeRPMDoc
	}
	return c
}

func (r *release) fileInfo(mode os.FileMode) *files.ContentFileInfo {
	return &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: r.date}
}
