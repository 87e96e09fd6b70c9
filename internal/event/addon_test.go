package event

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestAddonFields(t *testing.T) {
	const role = `"userIdentity":{"type":"AssumedRole","principalId":"AROA:session","arn":"arn:aws:sts::1:assumed-role/Dev/session","accountId":"1","sessionContext":{"sessionIssuer":{"userName":"Dev"},"attributes":{"mfaAuthenticated":"false"}}}`
	const user = `"userIdentity":{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::1:user/path/bob","accountId":"1","userName":"bob","accessKeyId":"AKIA1"}`
	const root = `"userIdentity":{"type":"Root","arn":"arn:aws:iam::1:root","accountId":"1"}`
	for _, tc := range []struct {
		record string
		want   map[string]string // "-" = missing
	}{
		{`{` + user + `,"eventName":"DeleteBucket","eventSource":"s3.amazonaws.com","awsRegion":"us-east-1","sourceIPAddress":"1.2.3.4","eventType":"AwsApiCall","userAgent":"cli","recipientAccountId":"2","requestParameters":{"bucketName":"b"}}`, map[string]string{
			"errorCode": "success", "msg": "success", "result_id": "-", "status": "success", "action": "deleted", "userName": "bob", "user": "bob", "src_user": "bob", "user_type": "IAMUser", "user_arn": "arn:aws:iam::1:user/path/bob",
			"user_agent": "cli", "src": "1.2.3.4", "src_ip": "1.2.3.4", "signature": "DeleteBucket", "command": "DeleteBucket", "app": "AwsApiCall", "dvc": "s3.amazonaws.com", "region": "us-east-1", "vendor_region": "us-east-1",
			"aws_account_id": "1", "vendor_account": "1", "user_group_id": "1", "user_access_key": "AKIA1", "change_type": "storage", "object_category": "bucket", "object": "b", "dest": "s3.amazonaws.com", "vendor_product": "AWS CloudTrail",
		}},
		{`{` + user + `,"eventName":"CreateUser","eventSource":"iam.amazonaws.com","errorCode":"AccessDenied","errorMessage":"not authorized to perform: iam:CreateUser on resource: user eve","requestParameters":{"userName":"eve"}}`, map[string]string{
			"errorCode": "AccessDenied", "result_id": "AccessDenied", "msg": "AccessDenied", "status": "failure", "action": "unknown", "user": "eve", "src_user": "bob", "userName": "bob", "change_type": "AAA", "object_category": "user", "eventtype": "aws_cloudtrail_change|aws_cloudtrail_iam_change|aws_cloudtrail_iam_change_acctmgmt|aws_cloudtrail_acctmgmt|aws_cloudtrail_errors", "tag": "change|account|management|error",
		}},
		{`{"eventName":"ConsoleLogin","eventSource":"signin.amazonaws.com","userIdentity":{"type":"IAMUser","accountId":"1","accessKeyId":"","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"},"errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"LoginTo":"https://console","MFAUsed":"No"}}`, map[string]string{
			"errorCode": "failure", "result_id": "-", "msg": "success", "status": "failure", "action": "failure", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS", "reason": "Failed authentication", "authentication_method": "SFA", "dest": "https://console", "change_type": "-", "user_access_key": "", "tag": "authentication|cloud|default|error",
		}},
		{`{` + root + `,"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"Yes"},"eventSource":"signin.amazonaws.com"}`, map[string]string{
			"userName": "root", "user": "root", "user_name": "root", "authentication_method": "MFA", "action": "success", "dest": "signin.amazonaws.com", "tag": "authentication|cloud|privileged", "eventtype": "aws_cloudtrail_auth|aws_cloudtrail_auth_privileged|aws_cloudtrail_multifactor_auth",
		}},
		{`{` + role + `,"eventName":"RunInstances","eventSource":"ec2.amazonaws.com","requestParameters":{"instanceType":"p3.2xlarge","imageId":"ami-1"},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}}`, map[string]string{
			"userName": "Dev", "user": "Dev", "user_role": "Dev", "dest": "i-1|i-2", "instance_id": "i-1|i-2", "instance_type": "p3.2xlarge", "image_id": "ami-1", "action": "created", "change_type": "EC2", "tag": "change|endpoint|instance",
		}},
		{`{` + role + `,"eventName":"AssumeRole","eventSource":"sts.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::2:role/Prod"},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::2:assumed-role/Prod/me"},"credentials":{"accessKeyId":"ASIA2"}}}`, map[string]string{
			"user": "me", "src_user": "Dev", "temp_access_key": "ASIA2", "authentication_method": "SFA", "action": "success",
		}},
		{`{` + user + `,"eventName":"AuthorizeSecurityGroupIngress","eventSource":"ec2.amazonaws.com","requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}}]}}}`, map[string]string{
			"direction": "Inbound", "src_ip_range": "0.0.0.0/0", "dest_port_range": "22-22", "dest_ip_range": "-", "protocol": "tcp", "object_id": "sg-1", "object_category": "security_group", "change_type": "network", "tag": "change|network",
		}},
		{`{` + user + `,"eventName":"CreateNetworkAclEntry","eventSource":"ec2.amazonaws.com","requestParameters":{"egress":true,"ruleAction":"allow","cidrBlock":"10.0.0.0/8","aclProtocol":"6","portRange":{"from":80,"to":81}}}`, map[string]string{
			"direction": "Outbound", "dest_ip_range": "10.0.0.0/8", "src_ip_range": "-", "src_port_range": "80-81", "rule_action": "allow", "protocol": "6",
		}},
		{`{"userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com","accountId":"9"},"recipientAccountId":"1","eventName":"GetBucketAcl","eventSource":"s3.amazonaws.com","userAgent":["a","b"]}`, map[string]string{
			"aws_account_id": "1", "vendor_account": "9", "action": "read", "change_type": "-", "tag": "-", "user_agent": "a|b", "userName": "-", "user": "ec2.amazonaws.com", "src_user": "-", "user_name": "ec2.amazonaws.com",
		}},
		{`{` + user + `,"eventName":"UpdateUser","eventSource":"iam.amazonaws.com","requestParameters":{"userName":"old","newUserName":"new"}}`, map[string]string{"user": "new", "src_user": "bob", "object": "old"}},
		{`{` + user + `,"eventName":"DeleteLoginProfile","eventSource":"iam.amazonaws.com","requestParameters":{"userName":"eve"}}`, map[string]string{"user": "eve", "action": "deleted", "object_category": "user", "eventtype": "aws_cloudtrail_change|aws_cloudtrail_iam_change|aws_cloudtrail_iam_change_acctmgmt|aws_cloudtrail_acctmgmt|aws_cloudtrail_delete_events"}},
		{`{` + role + `,"eventName":"PutBucketAcl","eventSource":"s3.amazonaws.com","requestParameters":{"bucketName":"b","host":["b.s3.amazonaws.com"]}}`, map[string]string{"user": "Dev", "src_user": "Dev", "dest": "b.s3.amazonaws.com", "object": "b"}},
		{`{` + role + `,"eventName":"StopInstances","eventSource":"ec2.amazonaws.com","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-9"}]}}}`, map[string]string{"dest": "i-9", "action": "stopped", "user": "Dev"}},
		{`{` + role + `,"eventName":"ConsoleLogin","eventSource":"signin.amazonaws.com","additionalEventData":{"LoginTo":"https://x","MFAUsed":"YES"},"responseElements":{"ConsoleLogin":"Success"}}`, map[string]string{"user": "session", "authentication_method": "-"}},
		{`{"userIdentity":{"type":"AWSAccount","accountId":"9"},"recipientAccountId":"1","eventName":"AssumeRole","eventSource":"sts.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::1:role/path/R"}}`, map[string]string{"aws_account_id": "1", "vendor_account": "9", "user_arn": "arn:aws:iam::1:role/path/R", "userName": "R"}},
		{`{` + user + `,"eventName":"AssumeRole","eventSource":"sts.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::2:role/R"},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::2:assumed-role/R/s"}}}`, map[string]string{"user_role": "arn:aws:sts::2:assumed-role/R/s", "user": "s", "vendor_account": "1"}},
		{`{` + user + `,"eventName":"AssumeRole","eventSource":"sts.amazonaws.com","errorCode":"AccessDenied","requestParameters":{"roleArn":"arn:aws:iam::2:role/R"}}`, map[string]string{"user_role": "arn:aws:iam::2:role/R"}},
		{`{` + role + `,"eventName":"RunInstances","eventSource":"ec2.amazonaws.com","requestParameters":{"instancesSet":{"items":[{"imageId":"ami-1"}]},"instanceType":"p3.2xlarge"},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-1","imageId":"ami-1"},{"instanceId":"i-2","imageId":"ami-1"}]}}}`, map[string]string{
			"user_role": "Dev", "image_id": "ami-1", "instance_type": "p3.2xlarge", "object_id": "i-1|i-2", "object": "i-1|i-2", "dest": "i-1|i-2", "object_category": "instance", "tag": "change|endpoint|instance",
		}},
		{`{` + user + `,"eventName":"ModifyInstanceAttribute","eventSource":"ec2.amazonaws.com","requestParameters":{"instanceId":"i-1","instanceType":{"value":"m5.large"}}}`, map[string]string{"instance_type": "m5.large", "object_id": "i-1", "action": "modified"}},
		{`{` + user + `,"eventName":"ModifySnapshotAttribute","eventSource":"ec2.amazonaws.com","requestParameters":{"snapshotId":"snap-1","attributeType":"CREATE_VOLUME_PERMISSION"}}`, map[string]string{"object": "snap-1", "object_id": "snap-1", "object_category": "storage"}},
		{`{` + user + `,"eventName":"AddPermission20150331v2","eventSource":"lambda.amazonaws.com","requestParameters":{"functionName":"f"}}`, map[string]string{"object_category": "function", "change_type": "lambda", "object": "f"}},
		{`{` + user + `,"eventName":"DeleteWebACL","eventSource":"wafv2.amazonaws.com"}`, map[string]string{"object_category": "firewall", "change_type": "network", "tag": "change|network"}},
		{`{` + user + `,"eventName":"PutUserPermissionsBoundary","eventSource":"iam.amazonaws.com","requestParameters":{"userName":"eve"}}`, map[string]string{"object_category": "user", "change_type": "AAA", "tag": "change|account|management"}},
		{`{"eventName":"Oddity","user":"own","status":"own","src":"own"}`, map[string]string{"user": "own", "status": "success", "src": "own", "action": "unknown", "change_type": "-"}},
	} {
		got := flat(t, []byte(tc.record), &Meta{Sourcetype: CloudTrail})
		for f, want := range tc.want {
			c, ok := got[f]
			if text := strings.Join(c.values(), "|"); ok != (want != "-") || ok && text != want {
				t.Errorf("%.80s…: %s = %q (set %v), want %q", tc.record[len(tc.record)/2:], f, text, ok, want)
			}
		}
	}
}

// TestOtherJSONHasNoAddonFields: the derived fields belong to CloudTrail only.
func TestOtherJSONHasNoAddonFields(t *testing.T) {
	got := flat(t, []byte(`{"eventName":"x","user":"own","status":"200"}`), &Meta{Sourcetype: JSON})
	if _, ok := got["errorCode"]; ok {
		t.Error("plain JSON has an errorCode")
	}
	if got["user"].Text != "own" || got["status"].Text != "200" {
		t.Errorf("own fields are %v", got)
	}
}

func TestIndexTimeIsInWholeSeconds(t *testing.T) {
	for at, want := range map[float64]string{0: "", 1_768_000_000: "1768000000", 1_768_000_000.999: "1768000000"} {
		got := ""
		err := Flatten(context.Background(), []byte(`{"a":1}`), &Meta{IndexTime: at}, func(name string, c Cell) {
			if name == IndexTime {
				got = c.Text
			}
		})
		if err != nil || got != want {
			t.Errorf("taken in at %f: %q, want %q (%v)", at, got, want, err)
		}
	}
}

func TestTimeOf(t *testing.T) {
	for in, want := range map[string]int64{
		`{"eventTime":"2023-11-14T22:13:20Z"}`:                                                     1700000000e9,
		`{"eventTime":"2000-02-29T00:00:00Z"}`:                                                     951782400e9,
		`{"eventTime":"1969-12-31T23:59:59Z"}`:                                                     -1e9,
		`{"EventTime":1,"_time":1700000000.5}`:                                                     1700000000_500000000,
		`{"timestamp":1700000000123}`:                                                              1700000000_123000000,
		`{"@timestamp":"2023-11-14T22:13:20.250Z"}`:                                                1700000000_250000000,
		`{"time":"2022-02-08 09:23:37+11:00"}`:                                                     1644272617e9,
		`{"time":"1700000000"}`:                                                                    1700000000e9,
		`{"createdAt":"2023-11-14T20:13:20Z","updatedAt":"2023-11-14T22:13:20.000Z"}`:              1700000000e9,
		`{"CreatedAt":"2023-11-14T20:13:20Z","UpdatedAt":"2023-11-14T22:13:20Z"}`:                  1700000000e9,
		`{"Type":"Notification","Timestamp":"2023-11-14T22:13:20.000Z"}`:                           1700000000e9,
		`{"timeWindow":{"windowEnd":"2023-11-14T22:18:20Z","windowStart":"2023-11-14T22:13:20Z"}}`: 1700000000e9,
		`{"timeWindow":{"windowEnd":"2023-11-14T22:13:20Z"}}`:                                      1700000000e9,
		`{"eventTime":"nonsense","_time":1700000000}`:                                              1700000000e9,
		`{"eventTime":"2023-02-30T00:00:00Z","_time":17000000}`:                                    17000000e9,
	} {
		if got, ok := TimeOf([]byte(in)); !ok || got != want {
			t.Errorf("%s = %d %v, want %d", in, got, ok, want)
		}
	}
	for _, in := range []string{`{}`, `{"eventTime":""}`, `{"eventTime":"2023-13-01T00:00:00Z"}`, `{"_time":"x"}`, `{"_time":1e300}`, `[]`, ``} {
		if got, ok := TimeOf([]byte(in)); ok {
			t.Errorf("%s = %d", in, got)
		}
	}
}

func FuzzTimeOf(f *testing.F) {
	f.Add(`"2023-11-14T22:13:20Z"`)
	f.Add(`-1.5e9`)
	f.Fuzz(func(t *testing.T, v string) {
		if ns, ok := TimeOf([]byte(`{"eventTime":` + v + `}`)); ok {
			seconds(ns)
		}
	})
}

func FuzzFlatten(f *testing.F) {
	f.Add([]byte(`{"eventName":"CreateUser","userIdentity":{"arn":"a:b/c"},"x":[{"y":1},{"y":[2]}]}`))
	f.Add([]byte(`{"errorMessage":" iam:x on resource: user","a.b":{"c":1},"a":{"b.c":2}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := &Meta{Sourcetype: CloudTrail}
		want := map[string]Cell{}
		if Flatten(context.Background(), raw, m, func(name string, c Cell) { want[name] = c }) != nil {
			t.Skip()
		}
		for name, c := range want {
			x := NewExtractor([]string{name})
			row := x.NewRow()
			if err := x.Extract(raw, m, row); err != nil {
				t.Fatalf("%q: %v", raw, err)
			}
			if slices.Contains(strings.Split(name, "."), "") || strings.Contains(name, "{}") {
				continue // empty keys and keys like "a{}" have no unambiguous name
			}
			if !slices.Equal(row.Cell(0).values(), c.values()) {
				t.Fatalf("%q: %q is %q flat and %q extracted", raw, name, c.values(), row.Cell(0).values())
			}
		}
	})
}

func TestPrefilter(t *testing.T) {
	raw := []byte(`{"eventName":"ConsoleLogin","x":"AKIA123"}`)
	for _, tc := range []struct {
		all  [][]string
		want bool
	}{
		{nil, true},
		{[][]string{{"consolelogin"}}, true},
		{[][]string{{"CONSOLELOGIN"}, {"akia123"}}, true},
		{[][]string{{"nope", "consolelogin"}}, true},
		{[][]string{{"nope"}}, false},
		{[][]string{{"consolelogin"}, {"nope"}}, false},
		{[][]string{{"nope", ""}}, true},
		{[][]string{{`no"pe`}}, true},
	} {
		if got := NewPrefilter(tc.all).Match(raw); got != tc.want {
			t.Errorf("%q: %v", tc.all, got)
		}
	}
	if !NewPrefilter([][]string{{"alice"}}).Match([]byte(`{"u":"\u0061lice"}`)) {
		t.Error("a letter written as an escape was rejected")
	}
}

// FuzzPrefilter: a literal that occurs in the text, in any case, passes.
func FuzzPrefilter(f *testing.F) {
	f.Add("hello World", 3, 5)
	f.Add("0000000ſ00000", 3, 11)
	f.Add("user İbrahim", 5, 8)
	f.Add("300 \u212a", 0, 7)
	f.Fuzz(func(t *testing.T, text string, from, n int) {
		if from < 0 || n < 1 || n > len(text) || from > len(text)-n {
			t.Skip()
		}
		if !NewPrefilter([][]string{{strings.ToUpper(text[from : from+n])}}).Match([]byte(text)) && strings.EqualFold(strings.ToUpper(text[from:from+n]), text[from:from+n]) {
			t.Errorf("%q is not found in %q", text[from:from+n], text)
		}
	})
}
