package file

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stat is what is asked of a file.
type stat struct {
	regular bool
	size    int64
	mod     time.Time
	id      ID
}

func statOf(info fs.FileInfo) stat {
	out := stat{regular: info.Mode().IsRegular(), size: info.Size(), mod: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		out.id = ID{uint64(st.Dev), uint64(st.Ino)} //nolint:unconvert // their types differ between systems
	}
	return out
}

// entry is an entry of a folder. Only what is neither a folder nor a link has a stat, or
// the reason why it has none.
type entry struct {
	fs.DirEntry
	stat stat
	err  error
}

// readDir is os.ReadDir with the stat of each file, which is asked of the open folder:
// the system need not walk all of a long path for each file.
func readDir(path string) ([]entry, error) {
	folder, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	list, err := folder.ReadDir(-1)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	out := make([]entry, len(list))
	fd := int(folder.Fd())
	for i, e := range list {
		out[i].DirEntry = e
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 {
			continue
		}
		var st unix.Stat_t
		if out[i].err = fstatat(fd, e.Name(), &st); out[i].err == nil {
			sec, nsec := st.Mtim.Unix()
			out[i].stat = stat{
				regular: uint32(st.Mode)&unix.S_IFMT == unix.S_IFREG, size: st.Size, mod: time.Unix(sec, nsec),
				id: ID{uint64(st.Dev), uint64(st.Ino)},
			}
		}
	}
	return out, err
}

func fstatat(folder int, name string, st *unix.Stat_t) error {
	for {
		if err := unix.Fstatat(folder, name, st, unix.AT_SYMLINK_NOFOLLOW); err != unix.EINTR {
			return err
		}
	}
}
