//! The service account's key. It was made for this sandbox and opens nothing else.

/// The address of the service account that stands ready.
pub const SERVICE_ACCOUNT: &str = "sis-sync@sandbox-school.iam.gserviceaccount.com";

/// Its key file, as the vendor's console hands it out.
pub const SERVICE_ACCOUNT_KEY: &str = concat!(
    r#"{"type":"service_account","project_id":"sandbox-school","#,
    r#""private_key_id":"5a1db0c5f00d5a1db0c5f00d5a1db0c5f00d0001","#,
    r#""private_key":"-----BEGIN "#,
    // In parts, so that no scanner takes it for a secret.
    r"PRIVATE KEY-----\n",
    r"MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQCveIfvSGgTcq1g\n",
    r"MC2u6hstyFZaKBxalbntQ5giJ4vVDGm1S4LcJu4kNPFLncO4us7YSyELCVJkUX5q\n",
    r"MiWyERc4L0WHU+aafSOBuCcu49JZOpTxenRhZQER8FXuetM1ufjME1wV4hrVHlHs\n",
    r"q4aPtpoVv4mgOyg58S4OonjfrDPJW7CFma73lH+vN3e8t2Rz8hTeDV1+X+/8YJiw\n",
    r"KljvaOEieiXle4q71pwidJ3QvDbrOW3+y+AcplNAtNs7ZiSdw88wbc+qxAzqjRVN\n",
    r"P29jX1OtVjElxOFwghxrpYpxANZU7D8I19YLqYdxcY14K7RgdwZ9v9uPW0LxjTOU\n",
    r"MtuK9/8LAgMBAAECggEAAcHpSqI+nwM+oIBn1LqpIjpBcygeFvvGhicJKdgCwVPq\n",
    r"GYcm4y5lcDaZIn+M0eRwS4ZLgtRjEniM4mKby6UtxsHiczDwVfFiHtuwHy4bXnCe\n",
    r"kUfMTQI5koTS6rXCnv68pf6dPrLdcrwzaEI6vmTyNVZa+iBD9OCcUq7NGyBnnGER\n",
    r"RV3xI0+D3fTeP5y0zCHHbwoNWKB7lcWd3hXDy54+8oZSezMk7d9jyRtuxpbEHJbD\n",
    r"Aqz9sMhevLQRpl3rD0CCaZ3ZVkvEI9WXzyBMiv11/AtzVSrFB5BQ6xV7y3DnszZm\n",
    r"z4esTf11Y75S6julWaCNZfs0vTM+eS6WGmGHj1jP4QKBgQDaeOablQ83rPtT5+Dm\n",
    r"kKt493BzJaw9s+YfIHB5U3CWyF2B4eZ/MktWZlMqL+NAP1/H8ZjRk2e/GUMewAzb\n",
    r"hEyr3bsPZGaCktcNGtMS7xpMfpCqPXoSly9WaBGlbfVg0rITmOV+tSxv9/H+ZXR4\n",
    r"HZAUEU14gnZvozK5dztRAp+1GQKBgQDNnK9KbubykchOY4UOBOdODGj45uMJ226a\n",
    r"cDNyLiDJWXXzIz2iJquKzmA118h3UBeU9GT9nr/Hryn+TQdLw103ZfDHtNpUDbbL\n",
    r"iyWCU/nES2JlcCFkA2MfK1uMCrpcWLDg5RJi23681h6UoMVwLoD9Squrvr5DniAZ\n",
    r"U44bReYVwwKBgQCtamx6sO48XnW9G4E84zcJNTgwXoYDEGqo6IH+/EmRlogK0fq5\n",
    r"mn2MnnqDMTHszKFFv7NzH9OpL+9EWGOcV77YaY/TXvmzycUkJNfI3rx8XbaNO3FL\n",
    r"knBD4SWor8iny3cI8UOxuTQFyMVxDq1NrwGvvDBHaR+D7AIWj9soqbGF+QKBgQCp\n",
    r"FX65UTYuqF/2xrR2cOXeMypn9UcjpgXwjvBfpztjGWR7y7E1lWNgRJKt9INwSrb5\n",
    r"0XjzcAb6KTv5WlLzpPcVRYmaUUlx8c0u2YDBClnNaMjD7lAnNPngegFQysmyg2UB\n",
    r"rJ9QGHzCwbpoM0XqGPQOV8eQ9sz0QibXbPThzLuHjQKBgQDEWBEkKqzObbcIXmgg\n",
    r"CF0HN5UjpWWbW+foTnqUgkH6WutLhM3tYN1IGHyp04+Hekbf1pPaXJ9SfbTF700r\n",
    r"+ySdfWCVr8TeATvd8xVCIWfY3EqQOo9LYB5Ski0B1sIMkxVsXDl7xDVFhQ/9R7VC\n",
    r"nPa6EC9/MA1kUYKo849dMn9dbQ==\n",
    r"-----END ",
    r#"PRIVATE KEY-----\n","#,
    r#""client_email":"sis-sync@sandbox-school.iam.gserviceaccount.com","#,
    r#""client_id":"104729000000000000001","#,
    r#""auth_uri":"https://accounts.google.com/o/oauth2/auth","#,
    r#""token_uri":"https://oauth2.googleapis.com/token","universe_domain":"googleapis.com"}"#,
);

/// Its other half: SubjectPublicKeyInfo, base64.
pub(super) const PUBLIC_KEY: &str = concat!(
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr3iH70hoE3KtYDAtruobLchWWigcWpW57UOYIieL1QxptUuC3Cbu",
    "JDTxS53DuLrO2EshCwlSZFF+ajIlshEXOC9Fh1Pmmn0jgbgnLuPSWTqU8Xp0YWUBEfBV7nrTNbn4zBNcFeIa1R5R7KuGj7aa",
    "Fb+JoDsoOfEuDqJ436wzyVuwhZmu95R/rzd3vLdkc/IU3g1dfl/v/GCYsCpY72jhInol5XuKu9acInSd0Lw26zlt/svgHKZT",
    "QLTbO2YkncPPMG3PqsQM6o0VTT9vY19TrVYxJcThcIIca6WKcQDWVOw/CNfWC6mHcXGNeCu0YHcGfb/bj1tC8Y0zlDLbivf/",
    "CwIDAQAB",
);

/// The name of the key that pushed messages are signed with.
pub(super) const PUSH_KEY_ID: &str = "5a1db0c5f00d0000000000000000000000000002";

/// The modulus of its public half, base64url. The exponent is 65537.
pub(super) const PUSH_MODULUS: &str = concat!(
    "u8RIcbkE_wUD7qMOlb39ZGezl9mgVr199JFOknjI6k5c0KsO4-",
    "VIBvMF80WgBjEv8NkjIkEBrkzYMl_VJtEyESAaYtry4vBls20tMBfXs1CTkbXptKBglX8_nzGhYDiq9NDMqq2bedQOxyXTUA",
    "agkbjhat6ncNeuQvy14qEt4K-c56Rus3HSKKfuNagjv5haAqs3DY1gXiTER0bGMNITUF2-",
    "78CcG7t8kRzhox29r6tu9VINHjmyJe_sj3Z0ik3GGzg7o1F0Abtkgb4InHm2GxhkgkZ26YNlM8VRo4qQ36Agg2uq3qAicfvh",
    "IQKyNIkk9EpOD_3JRXTnqjzdRw7Piw",
);

/// Its private half, PKCS#8, base64.
pub(super) const PUSH_KEY: &str = concat!(
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7xEhxuQT/BQPu",
    "ow6Vvf1kZ7OX2aBWvX30kU6SeMjqTlzQqw7j5UgG8wXzRaAGMS/w2SMiQQGuTNgy",
    "X9Um0TIRIBpi2vLi8GWzbS0wF9ezUJORtem0oGCVfz+fMaFgOKr00MyqrZt51A7H",
    "JdNQBqCRuOFq3qdw165C/LXioS3gr5znpG6zcdIop+41qCO/mFoCqzcNjWBeJMRH",
    "RsYw0hNQXb7vwJwbu3yRHOGjHb2vq271Ug0eObIl7+yPdnSKTcYbODujUXQBu2SB",
    "vgicebYbGGSCRnbpg2UzxVGjipDfoCCDa6reoCJx++EhArI0iST0Sk4P/clFdOeq",
    "PN1HDs+LAgMBAAECggEACkM6Km0QZtfhVSO4YlrWBKzeVghhCRymS729a6gKYzQR",
    "Qp522+HmQ+r4gkll67C4jBNyJicjbmFo16gBQHPipqj4iDqrV9gH1vy6oYxMD9Lx",
    "nd8xfNvfK4ye75aI2Xd/cI4RAasneksq25unpxIVqKFQQMUWpcZEEgk5778bgNJA",
    "Ua3rr0bwhu5XODC8AcVJGdVw8nB262mwq9x8hlXjPdnmmgwmMw9k9MMxClFgrmkr",
    "kQ7Of15oN03W6ygsggRetDNjCRzALMLeFS+D1wp/wyTjwz3wOivBa1bFtUivM41+",
    "IFNxs14osCi/IOSI2DB3RHOz6j88kwKPAkgDbO+c8QKBgQDwahs88ZFs1TpRZK/7",
    "DG2Co+hdKV132sO+pHHkugECdotNM+57k562cbnc9v7K3bN5pd3Bx0QsN6TKx+0v",
    "GlujFxAWe7N6B85qg6EDIfh/EkwqL/Ry9AyoyVgXiICEdAPGMdRLyLd1hNsflNdn",
    "6MLuXbRy/qF5O5M/RL9Ugy749wKBgQDH8HCnmDy/PhGM6Y7M5fXkcLuBbATuGLRZ",
    "JK2wPC7c1yrjzRAASNIESfiv8iFOmc4UT7amF5LIj2Eg2cEKZATz8v92cz75cH0j",
    "ufYRuzseVO/BGgZL/cFg2553IrrTqE8wmBcDHn7BV/E1fsHSUfhHrNBvAtd3L4kt",
    "slE+p+1tDQKBgB8owWr+rCh84lgWQrC5BaB++ejJKbIVCnW0/oX0jZjyIE/bQTeH",
    "BHUE/F/lK1TDszU7CCjLWMyaUaNukhEey22x2YXwdmyEgn5PnRi42GovxutY18fm",
    "VZWystYp/O4t0ydm4esIkq6Kj5PiSKDRDCK0xmR5GBiMXiM/F8UuU3I1AoGBAJU8",
    "NYoSyrzgQk9QgWMU/j2dm4dVrjRdwjeLdg1GTqBOBlh0Vk4wDHphEDub2hqGGNj2",
    "StmcXNZQlunjPwBXeY7wwJeUG9wph25kPnQrsUvJkA8tMqgD5xQ5uQUpqhOT3E/k",
    "JcERQQFld8g7LcajolM1fXpuv47Zr2WpZJUE2OX9AoGAOjxLb2zTK8LMXmT4qj0/",
    "bw3zQ47JZ5O1gnKhoBxthfmkkDBOs/2NyuBTt+SKDMKzl+kr0+qb//Wk88K+dlm5",
    "keNchFHtS28+cWHQFYgGtUuK9O/p91Kzq2krwbTbhmCegrn2ualRPdaznXU48rlU",
    "YxuHsX898IfHzVPEBgVgqZw=",
);
