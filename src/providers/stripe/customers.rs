//! Customers: those who pay. <https://docs.stripe.com/api/customers>

use super::{
    check,
    objects::{Customer, Listed, Metadata},
    wire::operation,
};

operation! {
    /// Makes a customer: a parent or guardian who pays.
    ///
    /// <https://docs.stripe.com/api/customers/create>. Access `write`. Repeated with the same idempotency key it makes one.
    ///
    /// Example: `{"email": "parent@example.com", "name": "Jane Smith"}`
    CreateCustomer = "createCustomer", Write, WithKey -> Customer,
    discloses { "email": Contact(Guardian), "name": Identity(Guardian), "phone": Contact(Guardian), "description": Financial(Guardian), "metadata": Financial(Guardian) }
    Post |this| ["customers"]
    by {}
    required {}
    optional {
        /// The e-mail address; receipts go there.
        email: String,
        /// The name.
        name: String,
        /// The telephone number.
        phone: String,
        /// What the school calls them; the payer does not see it.
        description: String,
        /// Up to 50 notes of the school's own: keys to 40 characters, values to 500. Never a card's data.
        metadata: Metadata,
    }
    check |this| { check::metadata(&this.metadata)?; }
}

operation! {
    /// Reads a customer.
    ///
    /// <https://docs.stripe.com/api/customers/retrieve>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"customer": "cus_NffrFeUfNV2Hib"}`
    GetCustomer = "getCustomer", Read, Always -> Customer,
    discloses {}
    Get |this| ["customers", &this.customer]
    by {
        /// The customer's id.
        customer: String,
    }
    required {}
    optional {}
}

operation! {
    /// Changes a customer: what is named is set, the rest stays.
    ///
    /// <https://docs.stripe.com/api/customers/update>. Access `write`. Errors: `not_found`.
    ///
    /// Example: `{"customer": "cus_NffrFeUfNV2Hib", "phone": "+15551234567"}`
    UpdateCustomer = "updateCustomer", Write, WithKey -> Customer,
    discloses { "email": Contact(Guardian), "name": Identity(Guardian), "phone": Contact(Guardian), "description": Financial(Guardian), "metadata": Financial(Guardian) }
    Post |this| ["customers", &this.customer]
    by {
        /// The customer's id.
        customer: String,
    }
    required {}
    optional {
        /// The e-mail address.
        email: String,
        /// The name.
        name: String,
        /// The telephone number.
        phone: String,
        /// What the school calls them.
        description: String,
        /// Notes of the school's own; an empty value takes a key out.
        metadata: Metadata,
    }
    check |this| { check::metadata(&this.metadata)?; }
}

operation! {
    /// Deletes a customer for good, and ends their subscriptions at once.
    ///
    /// <https://docs.stripe.com/api/customers/delete>. Access `write`. One who is deleted already is answered as that.
    /// Errors: `not_found`.
    ///
    /// Example: `{"customer": "cus_NffrFeUfNV2Hib"}`
    DeleteCustomer = "deleteCustomer", Write, WithKey -> Customer,
    discloses {}
    Delete |this| ["customers", &this.customer]
    by {
        /// The customer's id.
        customer: String,
    }
    required {}
    optional {}
}

operation! {
    /// Lists customers, the newest first.
    ///
    /// <https://docs.stripe.com/api/customers/list>. Access `read`.
    ///
    /// Example: `{"email": "parent@example.com", "limit": 10}`
    ListCustomers = "listCustomers", Read, Always -> Listed<Customer>,
    discloses { "email": Contact(Guardian) }
    Get |this| ["customers"]
    by {}
    required {}
    optional {
        /// Only those with this e-mail address, to the letter.
        email: String,
        /// How many, 1 to 100; Stripe's default is 10.
        limit: u8,
        /// Only those after this id.
        starting_after: String,
        /// Only those before this id.
        ending_before: String,
    }
    check |this| {
        check::page(this.limit)?;
        check::some_id("startingAfter", &this.starting_after)?;
        check::some_id("endingBefore", &this.ending_before)?;
    }
}

operation! {
    /// Searches customers in Stripe's query language. What was written in the last minute may not be found yet.
    ///
    /// <https://docs.stripe.com/api/customers/search>, <https://docs.stripe.com/search#search-query-language>. Access `read`.
    ///
    /// Example: `{"query": "email:'parent@example.com'"}`
    SearchCustomers = "searchCustomers", Read, Always -> Listed<Customer>,
    discloses { "query": Contact(Guardian) }
    Get |this| ["customers", "search"]
    by {}
    required {
        /// The query, such as `name:'Jane' AND metadata['class']:'7b'`.
        query: String,
    }
    optional {
        /// How many, 1 to 100; Stripe's default is 10.
        limit: u8,
        /// The `nextPage` of the page before.
        page: String,
    }
    check |this| { check::page(this.limit)?; }
}
