package ldifconv

import (
	"bytes"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// goneAttributes are those of the source that rules drop or give another name.
var goneAttributes = newAttrSet(
	schema.RFC822MailAlias, schema.MailFolderMap, schema.MailAutoReplyStartDate, schema.MailAutoReplyExpirationDate,
	schema.MailDeliveryFile, schema.InetAuthorizedServices, schema.InetSubscriberStatus, schema.InetSubscriberHTTPURL,
	schema.InetMailUserVersion, schema.InetAdministeredServices, schema.UserDefinedAttribute1, schema.UserDefinedAttribute2,
	schema.UserDefinedAttribute3, schema.UserDefinedAttribute4, schema.InetMailGroupVersion, schema.RFC822MailMember,
	schema.MembershipFilter, schema.ErrorsTo, schema.RequestsTo, schema.SuppressEmailError, schema.AuthorizedDomain,
	schema.UnauthorizedDomain, schema.AuthorizedSubmitter, schema.UnauthorizedSubmitter, schema.Moderator, schema.Joinable,
	schema.Expandable, schema.NsMsgNumMsgQuota, schema.NsMsgDisallowAccess, schema.MailAccessDomain, schema.NsDAMemberOf,
	schema.MailEnhancedUniqueMember, schema.MgrpApprovePassword, schema.MgrpDeliverException,
	schema.MgmanGroupKey, schema.MgmanGroupStat, schema.MgmanJoinLocalType, schema.MgmemMemberOfGroup, schema.MgmemRefDN,
	schema.MgmemMailUserPassword, schema.MgmemGroupMemberParam, schema.MgmemGroupServerParam, schema.MgmemAlternateSenderAddress,
)

// isGone reports whether an upgraded entry has no attribute id any more.
func (d *draft) isGone(id attrID) bool {
	switch {
	case id == schema.MultiLineDescription:
		return d.kind == Users
	case id == schema.UserPassword:
		return d.kind == Groups
	}
	return goneAttributes.has(id)
}

func oldWithOptions(d *draft, _ *ruleOptions) bool {
	d.eachWithOptions(func(id attrID, f *field) {
		if d.isGone(id) {
			d.warnf("old-with-options", "%.200s stays: iMS has no %s, a directory may refuse the entry", f.desc, schema.Name(id))
		}
	})
	return false
}

// readWithOptions are attributes beside the mapped ones that decide what an
// entry is.
var readWithOptions = newAttrSet(schema.ObjectClass, schema.UID, schema.Mail, schema.MailAlternateAddress, schema.MailHost, schema.MailRoutingAddress)

// spokenTexts are read by people, who may have them in several languages.
var spokenTexts = newAttrSet(schema.Description, schema.MailAutoReplySubject, schema.MailAutoReplyText, schema.MailAutoReplyTextInternal)

// optionsUnread names the attributes with options beside which servers and
// rules go by the attribute without them.
func optionsUnread(d *draft, o *ruleOptions) bool {
	d.eachWithOptions(func(id attrID, f *field) {
		if d.isGone(id) || !o.mapped.has(id) && !readWithOptions.has(id) || spokenTexts.has(id) && ldif.InLanguages(f.desc) {
			return
		}
		d.warnf("options-unread", "%.200s stays: rules and servers go by %s without options", f.desc, schema.Name(id))
	})
	return false
}

// eachWithOptions calls use for every field of a known attribute with options.
func (d *draft) eachWithOptions(use func(id attrID, f *field)) {
	for _, i := range d.unknown {
		f := &d.fields[i]
		if len(f.now) == 0 {
			continue
		}
		name, _, found := bytes.Cut(f.desc, []byte{';'})
		if !found {
			continue
		}
		if id, _ := schema.Lookup(name); id != schema.None {
			use(id, f)
		}
	}
}

// onlyOne are attributes that iMS takes one value of, but for those whose
// several values a rule tells of.
var onlyOne = func() (set attrSet) {
	for id := schema.None + 1; int(id) < schema.Count; id++ {
		if schema.Info(id).Single {
			set.put(id)
		}
	}
	set.drop(schema.MailHost)
	set.drop(schema.InetDomainBaseDN)
	for _, s := range statuses {
		set.drop(s.attr)
	}
	return set
}()

// singleValues names the attributes that have more values than iMS takes. Of an
// old attribute that stays a rule has told.
func singleValues(d *draft, _ *ruleOptions) bool {
	for i := range d.fields {
		f := &d.fields[i]
		if len(f.now) > 1 && onlyOne.has(f.id) && !goneAttributes.has(f.id) {
			d.warnf("several-values", "%d values of %s, %s and others: iMS takes one, a directory may refuse the entry", len(f.now), schema.Name(f.id), quoted(f.id, f.now[0]))
		}
	}
	return false
}

// moveDNs moves the DNs that write makes of the values of from to the attribute
// to, but for those that it has, in whatever spelling. What is no DN stays.
func moveDNs(d *draft, from, to attrID, write func([]byte) []byte) bool {
	var seen hashedSet
	var known [][]byte // the values in seen
	isNew := func(v, norm []byte) bool {
		fresh := seen.add(norm, func(i int) bool {
			other, _ := ldif.AppendNormDN(nil, known[i])
			return bytes.Equal(other, norm)
		})
		if fresh {
			known = append(known, v)
		}
		return fresh
	}
	for _, v := range d.values(to) {
		if norm, err := ldif.AppendNormDN(nil, v); err == nil {
			isNew(v, norm)
		}
	}
	values := d.values(from)
	moved := append(make([][]byte, 0, len(values)+len(d.values(to))), d.values(to)...)
	had := len(moved)
	var left [][]byte
	var room []byte
	for _, v := range values {
		plain := write(v)
		norm, err := ldif.AppendNormDN(room[:0], plain)
		switch {
		case err != nil || len(norm) == 0:
			d.stays("dn-value", from, v, "is no DN")
			left = append(left, v)
		case isNew(plain, norm):
			moved = append(moved, plain)
		}
		room = norm
	}
	if len(left) == len(values) {
		return false
	}
	if len(moved) > had {
		d.assign(to, moved)
	}
	d.assign(from, left)
	return true
}
