package main

import (
	"context"
	"fmt"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv/schema"
)

// schemaDir is the folder of the schema files.
const schemaDir = "schema"

// writeSchema writes the merged schema, which every directory server of the
// site gets before the first change, in the forms of all of them.
func (c *conversion) writeSchema(ctx context.Context, job *cli.Job) error {
	set := schema.Merged().Only(schema.Products(), false)
	for _, form := range schema.Forms() {
		for _, f := range set.Files(form) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := c.createPublic(job, filepath.Join(schemaDir, f.Name), f.Write); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	job.Count("schema attributes", int64(len(set.Attributes())))
	job.Count("schema classes", int64(len(set.Classes())))
	return nil
}
