package knowledge

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"bluetrail/internal/leftover"
	"bluetrail/internal/lookup"

	"github.com/klauspost/compress/gzip"
)

// WriteTable implements exec.Knowledge. It writes a new file, syncs it and
// renames it over the old one, so that readers see either the old or the new
// table, as does a restart after a crash. See Keeping for where it goes. The file stays inside the lookups
// folder of the definition, of the folder that has the file, or of the last
// folder.
func (k *Knowledge) WriteTable(ctx context.Context, name string, t *lookup.Table) error {
	d, err := k.definition(name)
	if err != nil {
		return fmt.Errorf("cannot write lookup: %w", err)
	}
	if len(k.dirs) == 0 && k.own == "" && k.last == "" {
		return fmt.Errorf("cannot write lookup %q: there is no folder for it (give one with --knowledge)", name)
	}
	dir := d.dir
	if dir == "" {
		dir = k.last
		if len(k.dirs) > 0 {
			dir = k.dirs[len(k.dirs)-1]
		}
	}
	dir = filepath.Join(dir, "lookups")
	if path, _, err := k.find(d); k.own != "" {
		dir = filepath.Join(k.own, "lookups")
	} else if err == nil {
		dir = filepath.Dir(path)
	}
	if err := leftover.Replace(dir, d.file, func(w io.Writer) error { return writeCSV(stopping{ctx, w}, d.file, t) }); err != nil {
		return fmt.Errorf("cannot write lookup %q: %w", name, err)
	}
	return nil
}

// stopping is a writer that fails once its context has ended.
type stopping struct {
	ctx context.Context
	io.Writer
}

func (s stopping) Write(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.Writer.Write(p)
}

func writeCSV(w io.Writer, file string, t *lookup.Table) error {
	var z *gzip.Writer
	if strings.HasSuffix(strings.ToLower(file), ".gz") {
		z = gzip.NewWriter(w)
		w = z
	}
	c := csv.NewWriter(w)
	if err := c.Write(t.Columns); err != nil {
		return err
	}
	for _, row := range t.Rows {
		if len(row) != 1 || row[0] != "" {
			if err := c.Write(row); err != nil {
				return err
			}
			continue
		}
		c.Flush() // a bare line break would not be a row
		if _, err := io.WriteString(w, "\"\"\n"); err != nil {
			return err
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return err
	}
	if z != nil {
		return z.Close()
	}
	return nil
}
