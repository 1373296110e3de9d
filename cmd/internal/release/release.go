package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// makeRelease makes all files of a release in a folder beside the one that is
// asked for, which gets its name when all is there.
func makeRelease(ctx context.Context, opt options) (err error) {
	src, err := openSource(ctx, opt.root)
	if err != nil {
		return err
	}
	if err := mustBeEmpty(opt.out); err != nil {
		return err
	}
	out, err := filepath.Abs(opt.out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+".partial-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	r := &release{source: src, version: opt.version, maintainer: opt.maintainer, level: opt.level, work: work}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	made := filepath.Join(work, "out")
	if err := r.writeFiles(ctx, made); err != nil {
		return err
	}
	if err := os.Remove(out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(made, out)
}

// mustBeEmpty refuses a folder that has something in it.
func mustBeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: it has %s", dir, entries[0].Name())
	}
	return err
}

// prepare builds the programs and collects what goes with them.
func (r *release) prepare(ctx context.Context) (err error) {
	if r.programs, err = r.source.programs(); err != nil {
		return err
	}
	r.built = map[string]string{}
	for _, t := range targets {
		dir := filepath.Join(r.work, "bin-"+t.arch)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		if err := r.build(ctx, t.arch, r.version, dir, r.programs); err != nil {
			return err
		}
		r.built[t.arch] = dir
	}
	runnable, err := r.runnable(ctx, r.built, r.version, filepath.Join(r.work, "bin"), r.programs)
	if err != nil {
		return err
	}
	for _, p := range r.programs {
		if err := r.checkBuild(ctx, filepath.Join(runnable, p), r.version); err != nil {
			return err
		}
	}
	if r.modules, err = r.modulesOf(ctx, r.built, r.programs, r.version); err != nil {
		return err
	}
	return r.share(ctx, runnable)
}

// writeFiles writes the files of the release into a new folder.
func (r *release) writeFiles(ctx context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, t := range targets {
		content, err := r.tree(t.arch)
		if err != nil {
			return err
		}
		group.Go(func() error {
			folder := fmt.Sprintf("imsconv-%s-linux-%s", r.version, t.arch)
			return r.writeArchive(filepath.Join(dir, folder+".tar.gz"), folder, content)
		})
		for _, f := range formats {
			group.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return r.writePackage(f, t, content, dir)
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := moduleFile(filepath.Join(dir, "imsconv-"+r.version+"-modules.tsv"), r.modules); err != nil {
		return err
	}
	return writeSums(dir)
}
