package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv/schema"
)

const schemaDoc = `
Writes the merged schema of SIMS 4.0, NMS 4.x and iMS 5.x, with one definition a
name, so that one server holds entries before and after their upgrade:

  --format ds4        merged.at.conf and merged.oc.conf for Directory Server 4.x
                      (userat and useroc directives, on every replica)
  --format ldif       99imsconv.ldif for the schema folder of Directory Server 5
                      and 389 Directory Server
  --format openldap   imsconv.schema for slapd.conf, and imsconv.ldif for
                      cn=config; behind core, cosine and inetorgperson

Where the products clash, a comment beside the definition says why it is as it
is. Identifiers that no public source gives are placeholders, 2.25 and a UUID
made from the name, and marked so; they are not the vendor's.

--schema FILE merges a site's own slapd.user_at.conf, slapd.user_oc.conf, LDIF or
OpenLDAP schema of at most 4 MiB: new names are added, classes that both have
allow the union of both and require what both require.

The files go to --out DIR, which is made when it is missing.
`

func schemaVerb() cli.Verb {
	return cli.Verb{
		Name:    "schema",
		Summary: "write the merged schema for a directory server",
		See:     []string{"ldifconv-check(1)", "ldifconv-upgrade(1)"},
		Doc:     schemaDoc,
		Example: "$ ldifconv schema --format ds4 --out conf\n$ ldifconv schema --format ldif --schema slapd.user_oc.conf --out /etc/dirsrv/slapd-mail/schema",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o schemaOptions
			o.format.Add(fs, "format", "", "what is written, `FORM`: ds4, ldif or openldap", "ldif", schema.Forms()...)
			fs.StringVar(&o.out, "out", ".", "write the files to `DIR`")
			cli.Place(fs, "out")
			fs.StringSliceVar(&o.only, "only", nil, "only what `PRODUCTS` brought: sims, nms, ims, joined by commas")
			cli.Offer(fs, "only", slices.Sorted(maps.Keys(productOrigins))...)
			fs.StringArrayVar(&o.schemas, "schema", nil, "merge the definitions of `FILE`; may be repeated")
			cli.Reads(fs, "schema")
			fs.StringArrayVar(&o.schemas, "merge", nil, "the same as --schema `FILE`")
			fs.BoolVar(&o.standalone, "standalone", false, "with openldap: standard definitions too, in the place of core, cosine and inetorgperson; lists need no members then, as in Directory Server 4")
			fs.BoolVar(&o.force, "force", false, "replace files that exist and hold something else")
			return o.run
		},
	}
}

// productOrigins are the words of --only.
var productOrigins = map[string]schema.Origin{"sims": schema.SIMS, "nms": schema.NMS, "ims": schema.IMS}

type schemaOptions struct {
	format            flags.Choice
	out               string
	only, schemas     []string
	standalone, force bool
}

func (o *schemaOptions) run(_ context.Context, job *cli.Job, args []string) error {
	if len(args) > 0 {
		return cli.Usagef("schema takes no arguments")
	}
	if o.standalone && o.format.Value != "openldap" {
		return cli.Usagef("--standalone is for --format openldap")
	}
	origins := schema.Products()
	if len(o.only) > 0 {
		origins = nil
	}
	for _, word := range o.only {
		at, ok := productOrigins[strings.ToLower(strings.TrimSpace(word))]
		if !ok {
			return cli.Usagef("--only %s is none of %s", word, strings.Join(slices.Sorted(maps.Keys(productOrigins)), ", "))
		}
		origins = append(origins, at)
	}
	set, err := readSchemas(job, o.schemas)
	if err != nil {
		return err
	}
	set = set.Only(origins, o.standalone)
	files := set.Files(o.format.Value)
	if err := writeFiles(job, o.out, files, o.force); err != nil {
		return err
	}
	job.Count("attributes", int64(len(set.Attributes())))
	job.Count("classes", int64(len(set.Classes())))
	job.Count("placeholders", placeholders(set))
	return nil
}

// placeholders counts identifiers that are no vendor's.
func placeholders(set *schema.Set) (n int64) {
	for _, a := range set.Attributes() {
		if a.Placeholder {
			n++
		}
	}
	for _, c := range set.Classes() {
		if c.Placeholder {
			n++
		}
	}
	return n
}

// writeFiles writes files into dir, all of them or none.
func writeFiles(job *cli.Job, dir string, files []schema.File, force bool) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	outs := outputs{job: job, force: force, public: true}
	defer outs.close()
	for _, f := range files {
		out, err := outs.create(filepath.Join(dir, f.Name))
		if err != nil {
			return err
		}
		if err := f.Write(out); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if err := outs.commit(); err != nil {
		return err
	}
	for _, f := range files {
		job.Output("schema", filepath.Join(dir, f.Name))
	}
	return nil
}
