package cli

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"imsconv/storeconv/durable"
)

// placeMark is the annotation of flags with folders that hold other things too.
const placeMark = "imsconv-place"

// Place says that the folder which is the value of a flag is a place where
// other things may lie beside what the run reads or writes there: what --log
// and --report name may be one of them. Any other folder of a command line is
// taken for a source or a result as a whole.
func Place(fs *pflag.FlagSet, name string) {
	if err := fs.SetAnnotation(name, placeMark, []string{"yes"}); err != nil {
		panic("internal error: " + err.Error()) // it was declared the line before
	}
}

// tellingFlags name files that tell of a run, and are no part of what it makes.
var tellingFlags = []string{"report", "log", "html"}

// outsideFolders refuses files that tell of the run inside of a folder that it
// reads or writes as a whole. They would replace what the folder holds, or be
// taken for a part of it by the next program that reads it. All folders of the
// command line are held against them here, before anything is opened, so that
// no verb has to think of it; those that a run finds otherwise are told with
// [Job.Reads].
func (c *Command) outsideFolders(verb *Verb, fs *pflag.FlagSet) error {
	folders := c.wholeFolders(verb, fs)
	for _, name := range tellingFlags {
		f := fs.Lookup(name)
		if f == nil || f.Value.String() == "" || isStdout(f.Value.String()) || isDescriptor(f.Value.String()) {
			continue
		}
		path := f.Value.String()
		if i := slices.IndexFunc(folders, func(dir string) bool { return durable.Within(dir, path) }); i >= 0 {
			return inFolder("--"+name+": "+path, folders[i])
		}
	}
	return nil
}

// inFolder is the error of an output that is named in a folder of the run.
func inFolder(path, folder string) error {
	return WithHint(Usagef("%s lies in %s, a folder that this run reads or writes: nothing else is written there", path, folder), "name a file outside of that folder")
}

// wholeFolders are the folders on a command line that the run reads or writes
// as a whole.
func (c *Command) wholeFolders(verb *Verb, fs *pflag.FlagSet) (list []string) {
	fs.Visit(func(f *pflag.Flag) {
		if f.Annotations[placeMark] == nil && TakesFolder(f) {
			list = append(list, valuesOf(f.Value)...)
		}
	})
	if c.TakesPaths(verb) && !verb.Place {
		list = append(list, fs.Args()...)
	}
	return slices.DeleteFunc(list, func(path string) bool { return !isFolder(path) })
}

// TakesFolder says whether the value of a flag is a folder.
func TakesFolder(f *pflag.Flag) bool { return completeFlag(f).want == folders }

// TakesPaths says whether the arguments of a verb may be files or folders.
func (c *Command) TakesPaths(v *Verb) bool {
	want, _ := c.argsOf(v)
	return want == files
}

// valuesOf are the values of a flag that may be given again, or its only one.
func valuesOf(v pflag.Value) []string {
	if list, ok := v.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{v.String()}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// SourceTree is Source for a folder, and refuses outputs of the run that are
// named in there. What is wrong with the folder is met by reading.
func (j *Job) SourceTree(path string) error {
	j.Source(path)
	st, err := os.Stat(path)
	if err != nil || !st.IsDir() {
		return nil
	}
	return j.reads(st, path, nil)
}

// readsTree notes that all that lies in a folder is an input of the run, and
// refuses an output of it that is named in there. The caller holds j.mu.
func (j *Job) readsTree(folder string) error {
	for _, out := range j.files {
		if !out.settled && durable.Within(folder, out.path) {
			return inFolder(out.shown(), folder)
		}
	}
	j.trees = append(j.trees, folder)
	return nil
}

// outsideTrees refuses an output in a folder that is an input. The caller holds
// j.mu.
func (j *Job) outsideTrees(out *OutputFile, named string) error {
	for _, folder := range j.trees {
		if durable.Within(folder, out.path) {
			return inFolder(named, folder)
		}
	}
	return nil
}

// shown is the path of an output as the command line has it, where it is known.
func (o *OutputFile) shown() string {
	if o.named != "" {
		return o.named
	}
	return filepath.Clean(o.path)
}
