//go:build !linux

package idset

import (
	"errors"
	"os"
)

// syncAll makes the logs of the buckets durable one by one.
func syncAll(_ string, list []*bucket) (err error) {
	for _, b := range list {
		f, oerr := os.OpenFile(b.logPath(), os.O_WRONLY, 0)
		if oerr == nil {
			oerr = errors.Join(f.Sync(), f.Close())
		}
		err = errors.Join(err, oerr)
	}
	return err
}
