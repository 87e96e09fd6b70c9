package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	s3bucket "bluetrail/internal/aws/bucket"
	"bluetrail/internal/diag"
	"bluetrail/internal/source/bucket"
	"bluetrail/internal/source/file"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store/files"

	"github.com/dustin/go-humanize"
)

// inPlace is the flags of verbs that read files in S3.
type inPlace struct {
	awsFlags  `embed:"" group:"S3"`
	Late      string `help:"How long after the end of the time range to look for late deliveries: 6h, 30d, any." default:"6h" placeholder:"TIME" group:"S3"`
	DryRun    bool   `help:"Only list: print how many objects, bytes and requests the command would take." group:"S3"`
	Cache     string `help:"Keep fetched objects in this folder for the next command." placeholder:"DIR" group:"S3"`
	CacheSize string `help:"Maximum size of the cache; the least recently used objects go first." default:"10GiB" placeholder:"SIZE" group:"S3"`
}

// used returns a flag that is set although it means nothing for files on disk, "" = none.
func (p *inPlace) used() string {
	switch {
	case p.Cache != "":
		return "--cache"
	case p.DryRun:
		return "--dry-run"
	}
	return p.awsFlags.used()
}

// inBuckets splits paths into those on disk and those in S3.
func inBuckets(paths []string) (disk, far []string) {
	for _, p := range paths {
		if s3bucket.Is(p) {
			far = append(far, p)
		} else {
			disk = append(disk, p)
		}
	}
	return disk, far
}

// remote adds the buckets among the paths to what a store of files reads.
func (s *source) remote(a *app, far []string, env *exec.Env, o *files.Options) error {
	if len(far) == 0 {
		if flag := s.inPlace.used(); flag != "" {
			return usage("%s is for files in S3: give an address such as s3://BUCKET/AWSLogs", flag)
		}
		return nil
	}
	late, err := lateOf(s.Late)
	if err != nil {
		return err
	}
	b := bucket.Options{Addresses: far, Late: late, DryRun: s.DryRun, Now: env.Now, Access: s.access()}
	if s.Cache != "" {
		size, err := humanize.ParseBytes(s.CacheSize)
		if err != nil || size == 0 || size > math.MaxInt64 {
			return usage("--cache-size %q is not a size; write it as 500MB or 10GiB", s.CacheSize)
		}
		if b.Cache, err = bucket.OpenCache(a.path(s.Cache), int64(size)); err != nil {
			return err
		}
	}
	place, err := bucket.New(a.ctx, b)
	if err != nil {
		return usageError{err}
	}
	a.place, o.Remote = place, place
	if !env.Earliest.IsZero() || !env.Latest.IsZero() {
		o.Earliest, o.Latest = math.MinInt64, math.MaxInt64
		if !env.Earliest.IsZero() {
			o.Earliest = env.Earliest.UnixNano()
		}
		if !env.Latest.IsZero() {
			o.Latest = env.Latest.UnixNano()
		}
	}
	return nil
}

// lateOf parses --late; negative = any time.
func lateOf(text string) (time.Duration, error) {
	if text == "any" {
		return -1, nil
	}
	late, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok && err != nil {
		var n float64
		if n, err = strconv.ParseFloat(days, 64); err == nil && n < 1e5 {
			late = time.Duration(n * 24 * float64(time.Hour))
		}
	}
	if err != nil || late < 0 {
		return 0, usage("--late %q is not a duration; write it as 90m, 6h or 30d, or any", text)
	}
	return late, nil
}

// rehearse makes the command run without reading anything or writing its result.
func (a *app) rehearse(place *bucket.Place, disk []string) error {
	found, err := file.Found{}, error(nil)
	if len(disk) > 0 {
		if found, err = file.List(disk); err != nil {
			return err
		}
	}
	a.rehearsal = &rehearsal{out: a.out, place: place, disk: found}
	a.out, a.quiet = io.Discard, true
	return nil
}

// rehearsal is a command that only lists.
type rehearsal struct {
	out   io.Writer
	place *bucket.Place
	disk  file.Found
}

// tell writes what the command would read, a line for each address.
func (r *rehearsal) tell() error {
	out := bufio.NewWriter(r.out)
	for _, c := range r.place.Costs() {
		fmt.Fprintf(out, "%s: %s to read of %s listed, %s; %s to fetch them", diag.Printable(c.Address), count(int(c.Objects), "object"), humanize.Comma(c.Listed), bytes(c.Bytes), count(int(c.Gets), "request"))
		if c.Cached > 0 {
			fmt.Fprintf(out, " (%s in the cache)", humanize.Comma(c.Cached))
		}
		fmt.Fprintf(out, ", %s to list\n", count(int(c.Lists), "request"))
	}
	if n := len(r.disk.Files); n > 0 {
		size := int64(0)
		for _, f := range r.disk.Files {
			size += f.Size
		}
		fmt.Fprintf(out, "on disk: %s, %s\n", count(n, "file"), bytes(size))
	}
	return out.Flush()
}

// rehearsed ends a dry run.
func (a *app) rehearsed(err error) error {
	if a.rehearsal == nil {
		return err
	}
	a.quiet = false
	a.notices(a.rehearsal.place.Notes())
	return errors.Join(err, a.rehearsal.tell())
}
