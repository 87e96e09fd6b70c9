// Package trailkey parses and makes the keys under which CloudTrail delivers to S3:
//
//	[prefix/]AWSLogs/[O-ID/]ACCOUNT/FOLDER/REGION/YYYY/MM/DD/NAME
//
// The names are ACCOUNT_FOLDER_REGION_YYYYMMDDTHHmmZ_RANDOM.json.gz for logs and
// ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_YYYYMMDDTHHmmssZ[_backfill].json.gz for
// digests. The time is that of delivery; the events happened before it.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
package trailkey

import (
	"fmt"
	"strings"
	"time"
)

// The folders that CloudTrail delivers to.
const (
	Log        = "CloudTrail"            // management, data and network activity events
	Insight    = "CloudTrail-Insight"    // Insights events
	Aggregated = "CloudTrail-Aggregated" // data events in sums of five minutes
	Digest     = "CloudTrail-Digest"     // digest files, which hold no events
)

// Trail is what an account delivers from one region into one folder.
type Trail struct {
	Prefix  string // of all keys, "" or with a slash at its end
	Org     string // of an organization trail: o-…; "" = a trail of the account
	Account string // 12 digits
	Folder  string
	Region  string
}

// Key is the key of an object that CloudTrail delivered.
type Key struct {
	Trail
	Day       time.Time // of the delivery, by the folders
	Name      string    // the part behind the last slash
	Delivered time.Time // by the name, to the minute (digests: the second); zero = it tells none
	Backfill  bool      // a digest of log files that CloudTrail delivered without one
}

// Root returns what all keys of the trail begin with, with a slash at its end.
func (t *Trail) Root() string {
	org := ""
	if t.Org != "" {
		org = t.Org + "/"
	}
	return t.Prefix + "AWSLogs/" + org + t.Account + "/" + t.Folder + "/" + t.Region + "/"
}

// dayFolders is the layout of the folders of a day.
const dayFolders = "2006/01/02/"

// DayOf returns what all keys of a day begin with, with a slash at its end. They sort
// in the order of days.
func (t *Trail) DayOf(day time.Time) string { return t.Root() + day.UTC().Format(dayFolders) }

// LogName returns the name of a log file. random is 16 letters and digits.
func (t *Trail) LogName(delivered time.Time, random string) string {
	return fmt.Sprintf("%s_%s_%s_%s_%s.json.gz", t.Account, t.Folder, t.Region, delivered.UTC().Format(minutes+"Z"), random)
}

// DigestName returns the name of a digest of the trail's folder for digests. home is the
// region of the trail of the given name.
func (t *Trail) DigestName(trail, home string, end time.Time, backfill bool) string {
	suffix := ""
	if backfill {
		suffix = backfilled
	}
	return fmt.Sprintf("%s_%s_%s_%s_%s_%s%s.json.gz", t.Account, Digest, t.Region, trail, home, end.UTC().Format(seconds+"Z"), suffix)
}

// Key returns the key of an object of a day.
func (t *Trail) Key(day time.Time, name string) string { return t.DayOf(day) + name }

// String returns the key as S3 has it.
func (k *Key) String() string { return k.Key(k.Day, k.Name) }

// Digest reports whether it is a digest, which holds no events.
func (k *Key) Digest() bool { return k.Folder == Digest }

// Parse parses a key. It is false for keys that do not lie where CloudTrail puts its
// files; nothing is asked of their name.
func Parse(key string) (k Key, ok bool) {
	dir, name := cutLast(key)
	if k.Name = name; name == "" {
		return k, false
	}
	if len(dir) < len(dayFolders) {
		return k, false
	}
	at := len(dir) + 1 - len(dayFolders)
	day, err := time.Parse(dayFolders, dir[at:]+"/")
	if err != nil || at == 0 || dir[at-1] != '/' {
		return k, false
	}
	k.Day = day
	if k.Trail, ok = ParseTrail(dir[:at]); !ok {
		return k, false
	}
	k.Delivered = Delivered(name)
	k.Backfill = k.Digest() && strings.HasSuffix(name, backfilled+".json.gz")
	return k, true
}

const backfilled = "_backfill"

// ParseTrail parses the root of a trail: what Trail.Root returns.
func ParseTrail(root string) (t Trail, ok bool) {
	rest, ok := strings.CutSuffix(root, "/")
	if !ok {
		return t, false
	}
	rest, t.Region = cutLast(rest)
	rest, t.Folder = cutLast(rest)
	rest, t.Account = cutLast(rest)
	if !IsRegion(t.Region) || !IsFolder(t.Folder) || !IsAccount(t.Account) {
		return t, false
	}
	before, last := cutLast(rest)
	if IsOrg(last) {
		t.Org = last
		before, last = cutLast(before)
	}
	if last != "AWSLogs" {
		return t, false
	}
	if before != "" {
		before += "/"
	}
	t.Prefix = before
	return t, true
}

// cutLast cuts a path around its last slash.
func cutLast(path string) (dir, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

// IsAccount reports whether s is an account id.
func IsAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// IsOrg reports whether s is the id of an organization.
func IsOrg(s string) bool {
	id, ok := strings.CutPrefix(s, "o-")
	return ok && len(id) >= 8 && len(id) <= 32 && !strings.ContainsFunc(id, func(r rune) bool { return !lower(r) && !digit(r) })
}

// IsFolder reports whether s is a folder of CloudTrail: there are some for kinds of
// events that are not known here.
func IsFolder(s string) bool {
	rest, ok := strings.CutPrefix(s, Log)
	return ok && (rest == "" || rest[0] == '-' && len(rest) > 1)
}

// IsRegion reports whether s has the form of a region.
func IsRegion(s string) bool {
	return len(s) > 6 && len(s) < 32 && strings.Count(s, "-") >= 2 && lower(rune(s[0])) && digit(rune(s[len(s)-1])) &&
		!strings.ContainsFunc(s, func(r rune) bool { return r != '-' && !lower(r) && !digit(r) })
}

func lower(r rune) bool { return r >= 'a' && r <= 'z' }
func digit(r rune) bool { return r >= '0' && r <= '9' }
