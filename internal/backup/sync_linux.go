package backup

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncTree makes all files below a folder durable at once.
func syncTree(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}
