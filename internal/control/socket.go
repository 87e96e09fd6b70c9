package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// socketName is the socket in a data directory.
const socketName = "serve.sock"

// maxPath is how long the path of a socket may be; macOS takes 104 bytes with
// the final zero, Linux 108.
const maxPath = 103

// reachable calls use with a path to dir/name that is short enough for a socket:
// through a link in the system's temporary folder, where it has to be.
func reachable(dir, name string, use func(path string) error) error {
	if path := filepath.Join(dir, name); len(path) <= maxPath {
		return use(path)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "bt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // the link, not what it leads to
	link := filepath.Join(tmp, "d")
	if err := os.Symlink(abs, link); err != nil {
		return err
	}
	path := filepath.Join(link, name)
	if len(path) > maxPath {
		return fmt.Errorf("the path of the temporary folder %q is too long for sockets; set TMPDIR to a shorter one", os.TempDir())
	}
	return use(path)
}

// listen opens the socket of a data directory that this process has locked; what
// a server before it left is removed. Nobody but the user can ever connect.
func listen(dir string) (*net.UnixListener, error) {
	// It gets its permissions before it gets its name.
	tmp, err := os.MkdirTemp(dir, ".sock-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	var l *net.UnixListener
	err = reachable(tmp, "s", func(path string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // its name changes
	made := filepath.Join(tmp, "s")
	if err = os.Chmod(made, 0o600); err == nil {
		err = os.Rename(made, filepath.Join(dir, socketName))
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// removeLeft removes what killed servers left of sockets in a data directory.
func removeLeft(dir string) error {
	left, err := filepath.Glob(filepath.Join(globQuote(dir), ".sock-*"))
	if err != nil {
		return err
	}
	for _, path := range append(left, filepath.Join(dir, socketName)) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// globQuote escapes what filepath.Glob would take for a pattern.
func globQuote(path string) string {
	var out []rune
	for _, r := range path {
		switch r {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// dial connects to the server of a data directory; it returns nil without an
// error when there is none.
func dial(dir string) (conn *net.UnixConn, err error) {
	if _, err := os.Lstat(filepath.Join(dir, socketName)); err != nil {
		return nil, nil // also when the directory cannot be looked into; opening it says so
	}
	err = reachable(dir, socketName, func(path string) (err error) {
		conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if refusedBy(err) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a killed server left it
	}
	if err != nil {
		return nil, fmt.Errorf("cannot reach the server of %q: %w", dir, err)
	}
	return conn, nil
}
