package idset

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncAll makes the logs of the buckets durable at once.
func syncAll(dir string, _ []*bucket) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}
