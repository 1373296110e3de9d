package main

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"time"
)

// writeArchive writes a tree as a compressed archive whose names all lie below
// one folder. Order, times, owner and permissions are those of the tree alone.
func (r *release) writeArchive(file, folder string, t tree) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	zip, err := gzip.NewWriterLevel(out, r.level) // its header has neither name nor time
	if err != nil {
		return err
	}
	w := tar.NewWriter(zip)
	if err := writeEntries(w, folder, t, r.date); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return zip.Close()
}

func writeEntries(w *tar.Writer, folder string, t tree, date time.Time) error {
	for _, dir := range append([]string{""}, t.folders()...) {
		h := header(tar.TypeDir, folder+"/"+slashed(dir), date)
		h.Mode = 0o755
		if err := w.WriteHeader(h); err != nil {
			return err
		}
	}
	for _, e := range t.sorted() {
		if err := writeEntry(w, folder, e, date); err != nil {
			return err
		}
	}
	return nil
}

func slashed(dir string) string {
	if dir == "" {
		return ""
	}
	return dir + "/"
}

func writeEntry(w *tar.Writer, folder string, e entry, date time.Time) error {
	if e.link != "" {
		h := header(tar.TypeSymlink, folder+"/"+e.name, date)
		h.Linkname, h.Mode = e.link, 0o777
		return w.WriteHeader(h)
	}
	in, err := os.Open(e.from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	h := header(tar.TypeReg, folder+"/"+e.name, date)
	h.Mode, h.Size = int64(e.mode), info.Size()
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}

func header(kind byte, name string, date time.Time) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: name, ModTime: date, Uname: "root", Gname: "root"}
}
