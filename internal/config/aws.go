package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Access is how a service of AWS is reached. Without keys of its own it uses what the
// AWS SDK finds: the environment, profiles, and roles of containers and instances.
type Access struct {
	Region        string `yaml:"region"`         // "" = from the SDK's configuration, then the partition of RoleARN
	Endpoint      string `yaml:"endpoint"`       // URL to use instead of AWS's own; "" = AWS's
	Profile       string `yaml:"profile"`        // of the shared configuration files; "" = the default one
	RoleARN       string `yaml:"role_arn"`       // to assume; "" = none
	ExternalID    string `yaml:"external_id"`    // for RoleARN
	RequesterPays bool   `yaml:"requester_pays"` // the reader pays for S3's requests and transfer
	PathStyle     bool   `yaml:"path_style"`     // the bucket is part of S3's path, not of its host name
}

var (
	region  = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+-[0-9]+$`)
	roleARN = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::[0-9]{12}:role/[\x21-\x7e]+$`)
)

// Check reports what cannot be right.
func (a *Access) Check() error {
	switch {
	case a.Region != "" && !region.MatchString(a.Region):
		return fmt.Errorf("region %q: expected a region such as eu-west-1", a.Region)
	case a.Endpoint != "" && !strings.HasPrefix(a.Endpoint, "https://") && !strings.HasPrefix(a.Endpoint, "http://"):
		return fmt.Errorf("endpoint %q: expected a URL that begins with https:// or http://", a.Endpoint)
	case a.RoleARN != "" && !roleARN.MatchString(a.RoleARN):
		return fmt.Errorf("role_arn %q: expected arn:aws:iam::ACCOUNT:role/NAME", a.RoleARN)
	case a.ExternalID != "" && a.RoleARN == "":
		return fmt.Errorf("external_id is set without role_arn")
	case strings.ContainsFunc(a.ExternalID, unicode.IsSpace):
		return fmt.Errorf("external_id %q contains a space", a.ExternalID)
	}
	return nil
}

// Partition returns the partition of a region: aws, aws-cn, aws-us-gov and so on.
func Partition(region string) string {
	for _, p := range [...]struct{ prefix, partition string }{
		{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"us-isob-", "aws-iso-b"}, {"us-isof-", "aws-iso-f"}, {"us-iso-", "aws-iso"}, {"eu-isoe-", "aws-iso-e"}, {"eusc-", "aws-eusc"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// firstRegions are the regions in which to ask when only the partition is known.
var firstRegions = map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-iso": "us-iso-east-1", "aws-iso-b": "us-isob-east-1", "aws-iso-e": "eu-isoe-west-1", "aws-iso-f": "us-isof-south-1", "aws-eusc": "eusc-de-east-1"}

// FirstRegion returns the region in which to ask when the configuration names none: one
// of the partition of the role.
func (a *Access) FirstRegion() string {
	if m := roleARN.FindStringSubmatch(a.RoleARN); m != nil && firstRegions[m[1]] != "" {
		return firstRegions[m[1]]
	}
	return firstRegions["aws"]
}
