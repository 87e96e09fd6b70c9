package event

import "testing"

// TestUserNamesWhoActed: if the add-on leaves user empty, user is the actor.
func TestUserNamesWhoActed(t *testing.T) {
	session := func(role, session, more string) string {
		return `"userIdentity":{"type":"AssumedRole","principalId":"AROA:` + session + `","arn":"arn:aws:sts::1:assumed-role/` + role + `/` + session + `","accountId":"1","sessionContext":{"sessionIssuer":{"type":"Role","userName":"` + role + `"}` + more + `}}`
	}
	const call = `{"eventName":"GetRole","eventSource":"iam.amazonaws.com",`
	for want, record := range map[string]string{
		"deploy":                    call + session("deploy", "GitHubActions", "") + `}`,
		"web":                       call + session("web", "i-0123456789abcdef0", "") + `}`,
		"ann@example.com":           call + session("AWSReservedSSO_Admin_0123456789abcdef", "ann@example.com", "") + `}`,
		"ann":                       call + session("AWSReservedSSO_Admin_0123456789abcdef", "ann", "") + `}`,
		"bo@example.com":            call + session("Federated", "bo@example.com", "") + `}`,
		"bo-who-took-it":            call + session("Admin", "botocore-session-1", `,"sourceIdentity":"bo-who-took-it"`) + `}`,
		"AWSReservedSSO_Admin_0":    `{"eventName":"PutRule",` + session("AWSReservedSSO_Admin_0", "ann@example.com", "") + `}`,
		"eve":                       `{"eventName":"DeleteUser","requestParameters":{"userName":"eve"},` + session("Admin", "ann@example.com", "") + `}`,
		"noissuer":                  call + `"userIdentity":{"type":"AssumedRole","principalId":"AROA:s","arn":"arn:aws:sts::1:assumed-role/noissuer/s"}}`,
		"carl@example.com":          call + `"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/AWSReservedSSO_R_0/carl@example.com"}}`,
		"root":                      call + `"userIdentity":{"type":"Root","principalId":"1","arn":"arn:aws:iam::1:root","accountId":"1","sessionContext":{"assumedRoot":"true"}}}`,
		"90f7-user-id":              call + `"userIdentity":{"type":"IdentityCenterUser","accountId":"1","onBehalfOf":{"userId":"90f7-user-id","identityStoreArn":"arn:aws:identitystore::1:identitystore/d-1"},"credentialId":"c"}}`,
		"autoscaling.amazonaws.com": call + `"userIdentity":{"type":"AWSService","invokedBy":"autoscaling.amazonaws.com"}}`,
		"lambda.amazonaws.com":      call + `"sourceIPAddress":"lambda.amazonaws.com","userIdentity":{"type":"AWSService"}}`,
		"backup.amazonaws.com":      `{"eventName":"BackupJobCompleted","eventType":"AwsServiceEvent","userIdentity":{"accountId":"1","invokedBy":"backup.amazonaws.com"}}`,
		"fred":                      call + `"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/path/fred","accountId":"1"}}`,
		"":                          call + `"sourceIPAddress":"192.0.2.1","userIdentity":{"type":"AWSAccount","principalId":"AIDAEXAMPLE","accountId":"9"}}`,
	} {
		c := flat(t, []byte(record), &Meta{Sourcetype: CloudTrail})["user"]
		if c.Text != want || c.Set != (want != "") {
			t.Errorf("user is %q (set %v), want %q: %s", c.Text, c.Set, want, record)
		}
	}
}
