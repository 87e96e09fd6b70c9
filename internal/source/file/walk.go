package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
)

// Walk is the source of the files at some paths, as they are found when it
// starts.
type Walk struct {
	found Found
	at    int
	o     WalkOptions
}

// WalkOptions say how a Walk reads files.
type WalkOptions struct {
	Dir    string     // relative paths begin here; "" = the working directory
	Meta   event.Meta // replaces what files tell; empty fields and a Fallback of 0 do not
	Limits Limits
}

var (
	_ source.Source = (*Walk)(nil)
	_ source.Sized  = (*Walk)(nil)
)

// NewWalk lists the files at paths, see List.
func NewWalk(paths []string, o WalkOptions) (*Walk, error) {
	w := &Walk{o: o}
	if o.Limits == (Limits{}) {
		w.o.Limits = DefaultLimits()
	}
	at := paths
	if o.Dir != "" {
		at = make([]string, len(paths))
		for i, p := range paths {
			at[i] = In(o.Dir, p)
		}
	}
	var err error
	if w.found, err = List(at); err != nil && o.Dir != "" {
		err = errors.New(asGiven(err.Error(), o.Dir))
	}
	return w, err
}

// asGiven shows the paths in a text as they were given, relative to dir.
func asGiven(text, dir string) string {
	text = strings.ReplaceAll(text, fmt.Sprintf("; %q is there", dir), "")
	return strings.ReplaceAll(text, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator), "")
}

// In returns path as it is seen from dir.
func In(dir, path string) string {
	if dir == "" || path == "" || filepath.IsAbs(path) {
		return path
	}
	joined := filepath.Join(dir, path)
	if strings.HasSuffix(path, string(filepath.Separator)) {
		joined += string(filepath.Separator)
	}
	return joined
}

// Size implements source.Sized.
func (w *Walk) Size() (n int64) {
	for i := range w.found.Files {
		n += w.found.Files[i].Size
	}
	return n
}

// LeftOut tells which files of folders are not read.
func (w *Walk) LeftOut() LeftOut { return w.found.LeftOut }

// Next implements source.Source.
func (w *Walk) Next(ctx context.Context) (*source.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(w.found.Skipped) > 0 {
		s := w.found.Skipped[0]
		w.found.Skipped = w.found.Skipped[1:]
		return &source.Batch{
			Name: w.name(s.Object), Key: Absolute(s.Object),
			Open: func(*atomic.Int64) (source.Records, error) { return nil, errors.New(s.Text) },
		}, nil
	}
	if w.at == len(w.found.Files) {
		return nil, io.EOF
	}
	f := w.found.Files[w.at]
	w.at++
	return Batch(f, w.name(f.Path), w.o.Meta, w.o.Limits), nil
}

// name returns how a path is shown: as it was given, where that was relative.
func (w *Walk) name(path string) string {
	if w.o.Dir == "" {
		return path
	}
	if rel, err := filepath.Rel(w.o.Dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// Batch returns a file as a batch. The fields of over that are set go over what
// the file tells.
func Batch(f File, name string, over event.Meta, lim Limits) *source.Batch {
	m := f.Meta(over.Index, over.Sourcetype)
	m.Source = name
	if over.Source != "" {
		m.Source = over.Source
	}
	if over.Host != "" {
		m.Host = over.Host
	}
	return &source.Batch{
		Name: name, Key: Absolute(f.Path), Size: f.Size, Changed: f.Mod, Print: fingerprint(f.Path, f.Size), Digest: f.Digest, Meta: m,
		Open: func(read *atomic.Int64) (source.Records, error) {
			r, err := Open(f, lim, read)
			if err != nil {
				return nil, err
			}
			return r, nil
		},
	}
}

// Absolute returns the path that names a file across runs.
func Absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path) // the working directory is gone
}
