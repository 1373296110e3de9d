package runbook

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
)

// conditions are what the "if" of the texts asks for.
func conditions(in Input) map[string]bool {
	s := in.Site
	same := s.Hosts.Old == s.Hosts.New
	nms := s.Scenario == site.NMSSingle
	after := s.Scenario == site.SIMSOnline && in.OldMail != Before
	shared := sharedFiles(s)
	return map[string]bool{
		"same-host": same, "new-host": !same,
		"ims": s.Destination != site.Maildir, "maildir": s.Destination == site.Maildir,
		"netscape": s.Directory.Client != site.OpenLDAP, "openldap": s.Directory.Client == site.OpenLDAP,
		"separator": s.Servers.LoginSeparator != "",
		"after":     after, "before": !after, "nms": nms, "incremental": s.Scenario == site.SIMSIncremental,
		"rates": in.Rates != nil, "mail-known": in.Facts.Messages > 0, "no-end": in.Facts.NoEnd,
		"many-bases": len(s.Directory.Base) > 1,
		"hardlink":   shared == "hardlink", "symlink": shared == "symlink", "copy": nms && shared == "",
		"mbox": after && s.Destination != site.Maildir,
	}
}

// sharedFiles is how the new mail shares the files of an NMS store, "hardlink"
// or "symlink", "" where every message becomes a file of its own.
func sharedFiles(s *site.Site) string {
	via, _ := s.Export["via"].(string)
	if s.Destination != site.Maildir {
		said, _ := s.Relocate["via"].(string)
		via = cmp.Or(said, "hardlink")
	}
	if s.Scenario != site.NMSSingle || via == "copy" {
		return ""
	}
	return via
}

// valuesOf are the names that texts may use.
func valuesOf(in Input) values {
	s := in.Site
	v := values{
		"old": {text: s.Hosts.Old}, "new": {text: s.Hosts.New}, "dir": {text: s.Directory.Host},
		"port": {text: strconv.Itoa(s.Directory.Port)}, "bind-dn": {text: s.Directory.BindDN},
		"base": {text: first(s.Directory.Base)}, "organization": {text: s.Directory.DefaultOrganization},
		"domain": {text: s.Directory.DefaultDomain}, "domains": {text: cmp.Or(strings.Join(s.Directory.Domains, ", "), s.Directory.DefaultDomain, "________")},
		"separator": {text: s.Servers.LoginSeparator}, "owner": {text: s.Servers.Owner},
		"root": {text: s.Servers.Root}, "instance": {text: s.Servers.Instance},
		"ims":  {text: filepath.Join(s.Servers.Root, "msg-"+s.Servers.Instance)},
		"sims": {text: s.Servers.OldRoot}, "old-root": {text: s.Servers.OldRoot},
		"nms":    {text: filepath.Join(s.Servers.OldRoot, "msg-"+s.Servers.OldInstance)},
		"dsroot": {text: s.Servers.DirectoryRoot}, "product": {text: product(s.Scenario)},
		"site": {text: s.Path}, "ldif": {text: inFolder(s.Dir, s.Inputs.LDIF)},
		"stream": {text: inFolder(s.Dir, s.Inputs.Stream)}, "nms-store": {text: inFolder(s.Dir, s.Inputs.Store)},
		"plan": {text: in.Folder}, "out": {text: in.Converted}, "scenario": {text: s.Scenario},
		"batches": {text: strconv.Itoa(len(batches(in)) - 1)}, "client": {text: s.Directory.Client},
		"lang": {text: string(in.Lang)}, "users": {text: strconv.FormatInt(in.Facts.Users, 10)}, "old-mail": {text: in.OldMail},
	}
	user, _, _ := strings.Cut(s.Servers.Owner, ":")
	v["owner-user"] = value{text: user}
	v["bases"] = fragment(words("-b", s.Directory.Base...))
	v["ldapmodify"] = fragment(ldapClient("ldapmodify", s))
	v["ldapsearch"] = fragment(ldapClient("ldapsearch", s))
	v["pilot"] = fragment(words("", in.Facts.Pilot...))
	v["upgrade"] = fragment(upgradeWords(s))
	v["export"] = fragment(optionWords(&choices.Export{}, s.Export, s.Dir))
	v["whose-mail"] = fragment(optionWords(&choices.Export{}, whoseMail(s.Restore), s.Dir))
	v.addStore(in)
	return v
}

// addStore adds the places and commands of the message stores.
func (v values) addStore(in Input) {
	partition := "primary"
	if name, ok := in.Site.Restore["partition"].(string); ok {
		partition = name
	}
	users := filepath.Join("store", "partition", partition, "=user")
	v["partition-user"] = value{text: filepath.Join(in.Converted, users)}
	v["ims-user"] = value{text: filepath.Join(v["ims"].text, users)}
	v["reconstruct"] = v.asOwner("./reconstruct -m && ./reconstruct -r -f && ./reconstruct -q")
	v["reconstruct-quota"] = v.asOwner("./reconstruct -q")
	v["import"] = v.importMailboxes(in)
	ldif := filepath.Join(in.Converted, "ldif")
	if in.Site.Scenario == site.SIMSIncremental {
		ldif = filepath.Join(in.Converted, "closing", "ldif")
	}
	v["ldif-folder"] = value{text: filepath.Join(in.Converted, "ldif")}
	if in.OldMail != Before && in.Site.Scenario == site.SIMSOnline {
		v["ldif-folder"] = value{text: in.Folder}
	}
	v["daaci"] = value{text: filepath.Join(ldif, "daaci.changes.ldif")}
	v["daaci-undo"] = value{text: filepath.Join(ldif, "daaci.undo.ldif")}
}

// asOwner is a command of the server's administration, given as the owner of
// the store: one word for su, whatever is in the paths.
func (v values) asOwner(command string) value {
	dir, config := filepath.Join(v["root"].text, "bin/msg/admin/bin"), filepath.Join(v["ims"].text, "config")
	line := "cd " + cli.Quote(dir) + " && CONFIGROOT=" + cli.Quote(config) + " && export CONFIGROOT && " + command
	return fragment("su " + cli.Quote(v["owner-user"].text) + " -c " + cli.Quote(line))
}

// importMailboxes gives imsimport every mailbox file below the plan's folder: a
// file is user/folder, and folder.msg where the folder has others below it.
func (v values) importMailboxes(in Input) value {
	return fragment("(cd " + cli.Quote(filepath.Join(in.Folder, "mbox")) + ` && find * -type f | grep / | grep -v '/\.subscriptions$' | while IFS= read -r f; do ` +
		`d="${f#*/}"; if [ -d "${f%.msg}" ]; then d="${d%.msg}"; fi; ` +
		cli.Quote(filepath.Join(v["root"].text, "bin/msg/store/bin/imsimport")) + ` -u "${f%%/*}" -d "$d" -s "$f" -cy; done)`)
}

// optionWords are the options of a table of site.toml as words for a shell.
// Paths in them are below the folder of the site.
func optionWords(c choices.Choices, options site.Options, dir string) string {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.Add(fs)
	var out []string
	for _, line := range options.Lines() {
		name, text, _ := strings.Cut(line, "=")
		f := fs.Lookup(name)
		if f == nil {
			continue // of another verb
		}
		out = append(out, cli.Quote("--"+name+"="+choices.Relative(f, dir, text)))
	}
	return strings.Join(out, " ")
}

// upgradeWords are the options of the table upgrade, as a run takes them.
func upgradeWords(s *site.Site) string {
	options := maps.Clone(s.Upgrade)
	if options["vanity"] == true {
		options.Set("default-domain", s.Directory.DefaultDomain)
		if options["domain"] == nil {
			options.Set("domain", s.Directory.Domains)
		}
	}
	return optionWords(&upgradeFlags{}, options, s.Dir)
}

// upgradeFlags are the choices of an upgrade and what a run sets beside.
type upgradeFlags struct{ choices.Upgrade }

// Add declares the flags.
func (u *upgradeFlags) Add(fs *pflag.FlagSet) {
	u.Upgrade.Add(fs)
	if fs.Lookup("default-domain") == nil {
		fs.String("default-domain", "", "")
	}
}

// whoseMail are the options of a restore that say whose mail it is of: an
// export of the same stream takes them too.
func whoseMail(restore site.Options) site.Options {
	out := site.Options{}
	for _, name := range []string{"users", "map", "encoding"} {
		if v, ok := restore[name]; ok {
			out.Set(name, v)
		}
	}
	return out
}

// with is v with the values of a batch.
func (v values) with(b *batch) values {
	out := maps.Clone(v)
	out["batch"], out["choice"] = value{text: b.name}, fragment(b.choice)
	users := filepath.Join(v["out"].text, "batches", b.name, "users.txt")
	out["reconstruct-batch"] = v.asOwner(`./reconstruct -m && while read -r u; do ./reconstruct -r -f "user/$u"; done < ` + cli.Quote(users) + " && ./reconstruct -q")
	return out
}

func fragment(text string) value { return value{text: text, fragment: true} }

// words are arguments, each behind the option, quoted for the shell.
func words(option string, args ...string) string {
	var out []string
	for _, a := range args {
		if option != "" {
			out = append(out, option)
		}
		out = append(out, cli.Quote(a))
	}
	return strings.Join(out, " ")
}

// ldapClient is the start of a command line of an LDAP client, which asks for
// the password. OpenLDAP's must be told of simple authentication.
func ldapClient(program string, s *site.Site) string {
	d := s.Directory
	if d.Client == site.OpenLDAP {
		return fmt.Sprintf("%s -x -H %s -D %s -W", program, cli.Quote("ldap://"+net.JoinHostPort(d.Host, strconv.Itoa(d.Port))), cli.Quote(d.BindDN))
	}
	return fmt.Sprintf("%s -h %s -p %d -D %s -w -", program, cli.Quote(d.Host), d.Port, cli.Quote(d.BindDN))
}

// product is what the old servers are called.
func product(scenario string) string {
	if scenario == site.NMSSingle {
		return "NMS"
	}
	return "SIMS"
}

// inFolder is a path of the site's file, from the root.
func inFolder(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
