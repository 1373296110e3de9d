package merge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/storeconv"
)

// A RunOption is what a merge makes of one option of the runs that made its
// parts.
type RunOption struct {
	Apart   bool                      // the parts of one site may differ in it
	Usual   string                    // what it is where nobody gives it; "": nothing
	meaning func(value string) string // the same for values that mean the same; nil: the value
}

// apart are options that decide nothing about what is made: where things lie,
// how fast it goes, and what is told. A part whose links lead out of what it
// was given is told to name a reference; others need none. The form of the
// databases is looked at in the databases themselves, and whoever made them by
// the usual one has made no other than he who named it.
var apart = []string{
	"file", "from", "reference", "store", "shard", "plan", "jobs", "sync", "via", "owner", "verbose", "blocking", "continue",
	"report", "log", "quiet", "json", "bdb", "byte-order", "page-size",
}

// RunOptions are the options of the runs by their long names. Of one that is
// not among them, any two values differ, and so do any value and none.
func RunOptions() map[string]RunOption {
	all := map[string]RunOption{
		"users": {}, "map": {}, limits: {}, ldif: {}, // files, by what is in them
		"path": {}, "user": {}, "domain": {},
		"kind": {Usual: "auto"}, "layout": {Usual: "auto"}, "escape": {Usual: "auto"}, "mbox": {Usual: "auto"},
		"newline":   {Usual: "keep"},
		"partition": {Usual: primary, meaning: partitions},
		"encoding":  {meaning: storeconv.EncodingName},
		// Domains are the same whatever their letters.
		"default-domain": {meaning: strings.ToLower},
	}
	for _, name := range []string{"new-mailbox", "ignore-existing", "no-index", "repair-hash", "add-missing", "requota"} {
		all[name] = RunOption{Usual: "false"}
	}
	for _, name := range apart {
		all[name] = RunOption{Apart: true}
	}
	return all
}

var options = RunOptions()

// The exports that say the quotas of users, and their old name.
const limits, ldif = "limits", "ldif"

// primary is the partition of a restore that names none. A relocation that
// names none renames none, which is the same as to call primary so.
const primary = "primary"

// partitions takes away where partitions of a relocation lie, which is no more
// than a place, and the order in which they were named.
func partitions(value string) string {
	var renamed []string
	for line := range strings.SplitSeq(value, "\n") {
		at := strings.IndexByte(line, '=')
		if strings.HasPrefix(line, "/") {
			at = strings.LastIndexByte(line, '=') // a path may have one in it
		}
		switch {
		case at < 0:
			renamed = append(renamed, line)
		case strings.Contains(line[at+1:], "/") || line[:at] == line[at+1:]: // called as it is
		case strings.Contains(line[:at], "/"):
			renamed = append(renamed, line[at:])
		default:
			renamed = append(renamed, line)
		}
	}
	return sorted(strings.Join(renamed, "\n"))
}

// sorted is a list, a line each, whatever its order and however often a line is
// in it.
func sorted(lines string) string {
	list := strings.Split(lines, "\n")
	slices.Sort(list)
	return strings.Join(slices.Compact(list), "\n")
}

// choices are the options that decided what was made, by what they mean: those
// that say what is so anyway are not among them. A file that one names stands
// for what is in it, wherever it lies.
func (r *Record) choices() map[string]string {
	files := make(map[string]string)
	for _, in := range r.Inputs {
		if _, ok := r.Options[in.Role]; ok {
			files[in.Role] += fmt.Sprintf("%d bytes %s\n", in.Bytes, in.SHA256)
		}
	}
	c := make(map[string]string)
	for name, value := range r.Options {
		option := options[name]
		if option.meaning != nil {
			value = option.meaning(value)
		}
		if file, ok := files[name]; ok {
			value = file
		}
		if !option.Apart && value != option.Usual && value != "" {
			c[name] = value
		}
	}
	// The same option under another name.
	if value := c[limits] + c[ldif]; value != "" {
		c[limits] = value
	}
	delete(c, ldif)
	return c
}

// differentChoice says in which option two runs differ; "" is none.
func differentChoice(a, b map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if other, ok := b[name]; !ok || other != a[name] {
			return "made with another --" + name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[name]; !ok {
			return "made with another --" + name
		}
	}
	return ""
}
