//! As much of x86-64's machine code as tells a lock and a system call from the rest.

/// What one instruction does that others notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// A locked read-modify-write, an exchange with memory, which locks by itself, or a full fence.
    Locked,
    Call,
}

/// The longest instruction.
pub const BYTES_MAX: usize = 15;

/// The kind of the instruction that `code` begins with.
pub fn kind(code: &[u8]) -> Kind {
    let prefixes_count = code.iter().take_while(|byte| PREFIXES.contains(byte)).count();
    let (prefixes, rest) = code.split_at(prefixes_count);
    if prefixes.contains(&LOCK) {
        return Kind::Locked;
    }
    let operation = match rest {
        // REX: 0100 and four bits.
        [0x40..=0x4F, operation @ ..] => operation,
        operation => operation,
    };
    match operation {
        [0x86 | 0x87, mode, ..] if is_memory(*mode) => Kind::Locked,
        [0x0F, 0xAE, 0xF0..=0xF7, ..] => Kind::Locked,
        [0x0F, 0x05, ..] => Kind::Call,
        _ => Kind::Plain,
    }
}

/// Whether the operand of a ModRM byte lies in memory.
fn is_memory(mode: u8) -> bool {
    mode >> 6 != 0b11
}

const LOCK: u8 = 0xF0;
const PREFIXES: [u8; 11] = [LOCK, 0xF2, 0xF3, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65, 0x66, 0x67];

#[test]
fn locks_are_known_by_prefix_or_operation() {
    // lock xadd [rdi], rax; lock cmpxchg [rdi], ecx; xacquire lock inc dword [rax]
    assert_eq!(kind(&[0xF0, 0x48, 0x0F, 0xC1, 0x07]), Kind::Locked);
    assert_eq!(kind(&[0xF0, 0x0F, 0xB1, 0x0F]), Kind::Locked);
    assert_eq!(kind(&[0xF2, 0xF0, 0xFF, 0x00]), Kind::Locked);
    // xchg [rdi], rax; xchg [rdi], al; mfence
    assert_eq!(kind(&[0x48, 0x87, 0x07]), Kind::Locked);
    assert_eq!(kind(&[0x86, 0x07]), Kind::Locked);
    assert_eq!(kind(&[0x0F, 0xAE, 0xF0]), Kind::Locked);
}

#[test]
fn others_are_plain() {
    // xchg rax, rcx; xchg ax, ax; lfence; mov [rdi], rax; syscall within an immediate
    assert_eq!(kind(&[0x48, 0x87, 0xC8]), Kind::Plain);
    assert_eq!(kind(&[0x66, 0x90]), Kind::Plain);
    assert_eq!(kind(&[0x0F, 0xAE, 0xE8]), Kind::Plain);
    assert_eq!(kind(&[0x48, 0x89, 0x07]), Kind::Plain);
    assert_eq!(kind(&[0xB8, 0x0F, 0x05, 0x00, 0x00]), Kind::Plain);
}

#[test]
fn a_system_call_is_known() {
    assert_eq!(kind(&[0x0F, 0x05]), Kind::Call);
}
