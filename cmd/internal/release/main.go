package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// run takes a command line and returns the exit status, as the four programs
// have it.
func run(ctx context.Context, args []string) int {
	opt, err := parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(os.Stderr, "release: error: %v\n", err)
		return 2
	}
	if err := makeRelease(ctx, opt); err != nil {
		fmt.Fprintf(os.Stderr, "release: error: %v\n", err)
		if ctx.Err() != nil {
			return 130
		}
		return 1
	}
	return 0
}

// options are the command line.
type options struct {
	version    string // X of the names of the files
	out        string // new or empty folder
	maintainer string // of the packages, "Name <address>"
	root       string // of the clone
	level      int    // of gzip, for archives and packages
}

func parse(args []string) (options, error) {
	opt := options{level: gzip.DefaultCompression}
	fs := pflag.NewFlagSet("release", pflag.ContinueOnError)
	fs.StringVar(&opt.version, "version", "", "`VERSION` of the release, such as 1.2.0 or 1.2.0-rc1")
	fs.StringVar(&opt.out, "out", "", "write the files into `DIR`, which is new or empty")
	fs.StringVar(&opt.maintainer, "maintainer", "imsconv maintainers <imsconv@localhost>", "who answers for the packages, `NAME <ADDRESS>`")
	fs.StringVar(&opt.root, "root", ".", "`DIR` of the clone that is released")
	if err := fs.Parse(args); err != nil {
		return opt, err
	}
	switch {
	case fs.NArg() > 0:
		return opt, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case !versionForm.MatchString(opt.version):
		return opt, fmt.Errorf("--version %q: numbers with dots, and -alpha1, -beta1 or -rc1 behind them", opt.version)
	case opt.out == "":
		return opt, errors.New("--out is missing")
	case !maintainerForm.MatchString(opt.maintainer):
		return opt, fmt.Errorf("--maintainer %q: NAME <ADDRESS>", opt.maintainer)
	}
	return opt, nil
}

var (
	// versionForm is what file names, Debian and rpm take alike.
	versionForm    = regexp.MustCompile(`^[0-9]+(\.[0-9]+){0,3}(-(alpha|beta|rc)\.?[0-9]+)?$`)
	maintainerForm = regexp.MustCompile(`^[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>$`)
)
