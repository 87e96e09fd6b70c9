//go:build ignore

// Command refresh_networks fetches the data of autonomous systems that bluetrail ships from the
// npm registry and packs it, with a note of where it is from. Run it by go generate in
// internal/enrich; an argument names a version other than the newest. The same version
// always gives the same files.
package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/enrich/netpack"

	"github.com/klauspost/compress/zstd"
)

const name = "@ip-location-db/asn"

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
	dir, err := os.MkdirTemp("", "networkdata")
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
	// Versions are dates: 2.3.2026061719 is of 17 June 2026, 19:00.
	stamp := regexp.MustCompile(`\.(\d{8})\d*\.tgz$`).FindStringSubmatch(archive)
	if stamp == nil {
		return fmt.Errorf("%s: its version has no date", archive)
	}
	built, err := time.Parse("20060102", stamp[1])
	if err != nil {
		return err
	}
	names := map[uint32]string{}
	var ranges []netpack.Range
	if err := members(filepath.Join(dir, archive), func(file string, r io.Reader) error {
		if file != "package/asn-ipv4.csv" && file != "package/asn-ipv6.csv" {
			return nil
		}
		return read(r, names, &ranges)
	}); err != nil {
		return fmt.Errorf("cannot read npm package %q: %w", archive, err)
	}
	if len(ranges) < 300_000 || len(names) < 50_000 {
		return fmt.Errorf("%s has only %d ranges of %d networks", archive, len(ranges), len(names))
	}
	holders, placed, err := netpack.Collect(names, ranges)
	if err != nil {
		return err
	}
	table, skipped := netpack.New(holders, placed)
	packed := table.Pack(built)
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	if err := os.WriteFile("networkdata/networks.zst", enc.EncodeAll(packed, nil), 0o644); err != nil {
		return err
	}
	note := fmt.Sprintf("package  %s\narchive  %s\nfiles    package/asn-ipv4.csv, package/asn-ipv6.csv\nbuilt    %s\nranges   %d, without %d of IPv6 that are finer than /64\nsha256   %x (packed, before compression)\nlicence  CC BY 4.0: RouteViews (routeviews.org), DB-IP (db-ip.com) and NRO (nro.net), see LICENSE\n",
		name, archive, built.Format("2006-01-02"), len(ranges)-skipped, skipped, sha256.Sum256(packed))
	return os.WriteFile("networkdata/SOURCE", []byte(note), 0o644)
}

// read adds the ranges of a file: first, last, number, name.
func read(r io.Reader, names map[uint32]string, ranges *[]netpack.Range) error {
	in := csv.NewReader(r)
	in.FieldsPerRecord = 4
	for {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		first, err1 := netip.ParseAddr(rec[0])
		last, err2 := netip.ParseAddr(rec[1])
		asn, err3 := strconv.ParseUint(rec[2], 10, 32)
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		names[uint32(asn)] = strings.ToValidUTF8(rec[3], "")
		*ranges = append(*ranges, netpack.Range{First: first, Last: last, Holder: int(asn)})
	}
}

// members calls yield for the files of an npm package.
func members(path string, yield func(file string, r io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := yield(h.Name, tr); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}
