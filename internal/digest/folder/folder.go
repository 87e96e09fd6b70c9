// Package folder reads digests and log files from copies on disk.
package folder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bluetrail/internal/digest"
	"bluetrail/internal/source/file"
)

// Folder is files, folders and globs on disk.
type Folder struct {
	paths []string
	roots []string // folders, with a separator at the end
}

var _ digest.Objects = (*Folder)(nil)

// New returns what lies at paths.
func New(paths []string) *Folder {
	f := &Folder{paths: paths}
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			f.roots = append(f.roots, strings.TrimSuffix(filepath.Clean(p), string(filepath.Separator))+string(filepath.Separator))
		}
	}
	return f
}

// List implements digest.Objects.
func (f *Folder) List(ctx context.Context, each func(digest.Object) error, skip func(string, error)) error {
	found, err := file.List(f.paths)
	if err != nil {
		return err
	}
	for _, s := range found.Skipped {
		skip(s.Object, errors.New(s.Text))
	}
	for i := range found.Files {
		x := &found.Files[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(digest.Object{Key: f.key(x.Path), Name: x.Path, Size: x.Size, Changed: x.Mod}); err != nil {
			return err
		}
	}
	return nil
}

// key returns the path below the folder that was named, or the name of a file.
func (f *Folder) key(path string) string {
	key := filepath.Base(path)
	clean := filepath.Clean(path)
	for _, root := range f.roots {
		if rel, ok := strings.CutPrefix(clean, root); ok && len(rel) > len(key) {
			key = rel
		} else if root == "."+string(filepath.Separator) && filepath.IsLocal(clean) {
			key = clean
		}
	}
	return filepath.ToSlash(key)
}

// Open implements digest.Objects.
func (*Folder) Open(_ context.Context, o *digest.Object) (io.ReadCloser, error) {
	f, err := os.Open(o.Name)
	if err != nil {
		return nil, errors.New(file.Reason(err))
	}
	return f, nil
}

// Suffixes of the files that keep the metadata of a digest file beside it: its signature
// as text, or an answer of HeadObject (or its Metadata alone) in JSON.
const (
	signatureSuffix = ".signature"
	metadataSuffix  = ".metadata.json"
)

// maxMeta bounds such a file. S3 keeps at most 2 KiB.
const maxMeta = 64 << 10

// Meta implements digest.Objects.
func (*Folder) Meta(_ context.Context, o *digest.Object) (digest.Meta, error) {
	var m digest.Meta
	body, err := small(o.Name + metadataSuffix)
	if err != nil {
		return m, err
	}
	if body != nil {
		var head struct{ Metadata map[string]string }
		all := map[string]string{}
		if err := json.Unmarshal(body, &head); err != nil || head.Metadata == nil {
			if err := json.Unmarshal(body, &all); err != nil {
				return m, fmt.Errorf("cannot read %s: it is neither an answer of HeadObject nor a map of metadata: %w", o.Name+metadataSuffix, err)
			}
		} else {
			all = head.Metadata
		}
		m = digest.MetaOf(all)
	}
	if m.Signature == "" {
		body, err := small(o.Name + signatureSuffix)
		if err != nil {
			return m, err
		}
		m.Signature = strings.TrimSpace(string(body))
	}
	return m, nil
}

// small returns a small file, nil if there is none.
func small(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxMeta))
}
