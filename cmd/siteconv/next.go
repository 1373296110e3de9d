package main

import (
	"fmt"
	"path"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
)

// nextSteps are what an administrator does with the output, from within the
// output folder: the short form of what siteconv plan writes down.
func (c *conversion) nextSteps() []string {
	steps := append(c.lookAtEnd(), "give the directory server and every replica the merged schema (schema/), and restart them")
	for _, f := range c.changeFiles() {
		steps = append(steps, c.ldapmodify(f.name))
	}
	switch {
	case c.scenario.batches:
		steps = append(steps, "move the users batch after batch, a pilot of three first: siteconv run --batch NAME, with the same options, in the folder where this one was given")
	case c.site.Destination == site.Maildir:
		steps = append(steps, "take mail/dovecot.conf.example over into the configuration of Dovecot")
	default:
		steps = append(steps, c.storeSteps()...)
	}
	return append(steps, "the whole way, with every command of every host: siteconv plan")
}

// lookAtEnd is what comes before anything is done with mail of a stream that
// is cut, or may be.
func (c *conversion) lookAtEnd() []string {
	if c.mail == nil || c.domainsOnly() && c.batch == nil {
		return nil
	}
	if c.batch != nil {
		without, atEnd := c.bereft()
		if atEnd != "" {
			without = append(without, atEnd)
		}
		if n := int64(len(without)); n > 0 {
			return []string{"# before all else: the stream is not whole, and these users of the batch may lack mail: " + examples(without[:min(n, mostExamples)], n) + "; make the backup again, and give it to the same command with --stream, which adds what it has"}
		}
	}
	switch {
	case c.mail.NoEnd:
		return []string{"# before all else: the stream has no end marker; look whether the backup ran to its end, and if it did not, make it again and convert anew"}
	case c.mail.Cut():
		return []string{"# before all else: the stream is cut off, and whole users may be missing; make the backup again, and convert anew"}
	}
	return nil
}

// ldapmodify is the command line that applies a file of change records, and
// goes on behind one that the server refuses. The client asks for the password.
func (c *conversion) ldapmodify(file string) string {
	d := &c.site.Directory
	bind := d.BindDN
	if bind == "" {
		bind = "cn=Directory Manager"
	}
	server, ask := "", "-w -"
	if d.Client == site.OpenLDAP {
		server, ask = "-x ", "-W"
	}
	if d.Host != "" {
		port := d.Port
		if port == 0 {
			port = 389
		}
		server += fmt.Sprintf("-h %s -p %d ", cli.Quote(d.Host), port)
		if d.Client == site.OpenLDAP {
			server = fmt.Sprintf("-x -H %s ", cli.Quote(fmt.Sprintf("ldap://%s:%d", d.Host, port)))
		}
	}
	return fmt.Sprintf("ldapmodify %s-D %s %s -c -f %s", server, cli.Quote(bind), ask, cli.Quote(file))
}

// storeSteps bring the store to its place on a server that does not run.
func (c *conversion) storeSteps() []string {
	s := &c.site.Servers
	root, instance, owner := s.Root, s.Instance, s.Owner
	if root == "" {
		root = "<ServerRoot>"
	}
	if instance == "" {
		instance = "<instance>"
	}
	if owner == "" {
		owner = "mailsrv"
	}
	home := path.Join(root, "msg-"+instance)
	in := func(name string) string { return cli.Quote(path.Join(home, name)) }
	var steps []string
	if c.scenario.moves {
		steps = append(steps, "# the store takes the place of the server's own, which is put aside: where that has mail already, bring the old mail in behind it, as siteconv plan tells")
	}
	steps = append(steps, in("stop-msg"))
	if s.LoginSeparator != "" {
		steps = append(steps, in("configutil")+" -o service.loginseparator -v "+cli.Quote(s.LoginSeparator))
	}
	return append(steps,
		fmt.Sprintf("mv %s %s && cp -a store %[1]s && chown -R %[3]s %[1]s", in("store"), in("store.installed"), cli.Quote(owner)),
		fmt.Sprintf("as %s, with CONFIGROOT=%s in the environment: %s -r -f, and then -q", owner, in("config"), cli.Quote(path.Join(root, "bin/msg/admin/bin/reconstruct"))),
		in("imsimta")+" dirsync -F",
		in("start-msg"))
}
