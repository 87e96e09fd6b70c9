package file

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"bluetrail/internal/event"
	"bluetrail/internal/unpack"
)

// Bounds of archives.
const (
	maxArchives = 4        // one inside the other
	maxInnerZip = 64 << 20 // bytes of a zip archive that is not a file here, and is held whole
)

// archive is a tar or zip archive that is being read.
type archive struct {
	name    string         // "" = the file itself
	stream  *unpack.Stream // what it is read from
	tar     *tar.Reader
	members []*zip.File
	current io.Closer // the member that is being read
}

// enterArchive opens the archive that s is.
func (r *Reader) enterArchive(s *unpack.Stream, name string) (err error) {
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if len(r.archives) >= maxArchives {
		return fmt.Errorf("archives stand inside each other more than %d deep; unpack them by hand", maxArchives)
	}
	a := archive{name: name, stream: s}
	if s.Kind == unpack.Tar {
		a.tar = tar.NewReader(s)
		r.archives = append(r.archives, a)
		return nil
	}
	var z *zip.Reader
	if m := r.meter; m != nil && s.Layers == 0 && name == "" {
		info, err := m.file.Stat()
		if err != nil {
			return err
		}
		if z, err = zip.NewReader(m, info.Size()); err != nil {
			return fmt.Errorf("cannot open the zip archive: %w", err)
		}
	} else {
		data, err := io.ReadAll(io.LimitReader(s, maxInnerZip+1))
		if err != nil {
			return err
		}
		if len(data) > maxInnerZip {
			return fmt.Errorf("a zip archive inside another file or outside of this machine is larger than %d MiB; unpack it by hand", maxInnerZip>>20)
		}
		if z, err = zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil {
			return fmt.Errorf("cannot open the zip archive: %w", err)
		}
	}
	a.members = z.File
	r.archives = append(r.archives, a)
	return nil
}

func (r *Reader) closeArchive() {
	a := &r.archives[len(r.archives)-1]
	if a.current != nil {
		a.current.Close()
	}
	a.stream.Close()
	r.archives = r.archives[:len(r.archives)-1]
}

// next returns the next member that may hold events: no folders, no links, no
// notes of the system that packed it. An *event.RecordError concerns one member.
func (r *Reader) next() (name string, in io.Reader, err error) {
	a := &r.archives[len(r.archives)-1]
	if a.current != nil {
		a.current.Close()
		a.current = nil
	}
	for {
		if a.tar != nil {
			h, err := a.tar.Next()
			if err != nil {
				if errors.Is(err, io.ErrUnexpectedEOF) {
					err = unpack.ErrCut
				}
				return "", nil, err
			}
			if h.Typeflag == tar.TypeReg && !bookkeeping(h.Name) {
				return path.Join(a.name, h.Name), a.tar, nil
			}
			continue
		}
		if len(a.members) == 0 {
			return "", nil, io.EOF
		}
		m := a.members[0]
		a.members = a.members[1:]
		if !m.Mode().IsRegular() || bookkeeping(m.Name) {
			continue
		}
		name := path.Join(a.name, m.Name)
		const encrypted = 1
		if m.Flags&encrypted != 0 {
			return "", nil, &event.RecordError{Member: name, Err: errors.New("it is encrypted; unpack the archive by hand")}
		}
		f, err := m.Open()
		if err != nil {
			return "", nil, &event.RecordError{Member: name, Err: err}
		}
		a.current = f
		return name, &counted{f, &r.left}, nil
	}
}

// bookkeeping reports whether a member is a note of the system that packed it.
func bookkeeping(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(base, "._") || base == ".DS_Store"
}

// counted counts what a member of a zip archive unpacks to.
type counted struct {
	in   io.Reader
	left *int64
}

func (c *counted) Read(p []byte) (int, error) {
	if *c.left <= 0 {
		return 0, unpack.ErrBomb
	}
	n, err := c.in.Read(p)
	*c.left -= int64(n)
	return n, err
}
