(* What the exported theorems are about, and lemmas for their proofs. Trusted: the four definitions, and Coq. *)
From Coq Require Export Reals Lra Lia Arith FunctionalExtensionality.
From Coquelicot Require Export Coquelicot.
Open Scope R_scope.

(* --- definitions ------------------------------------------------------------------------------------------ *)

(* The sum of f 0, ..., f (n - 1). *)
Fixpoint Sigma (n : nat) (f : nat -> R) : R := match n with O => 0 | S n => Sigma n f + f n end.
(* 1 if two indices are one, else 0. *)
Definition same (i j : nat) : R := if Nat.eqb i j then 1 else 0.
(* The j-th binary digit of a state: a state of n units is a number below 2^n. *)
Definition bit (s j : nat) : R := if Nat.testbit s j then 1 else 0.
(* step (n - 1) (... (step 0 x)) *)
Fixpoint iterate {X} (n : nat) (step : nat -> X -> X) (x : X) : X :=
  match n with O => x | S n => step n (iterate n step x) end.

(* --- signs ------------------------------------------------------------------------------------------------ *)

Lemma below_power n : (0 < 2 ^ n)%nat.
Proof. induction n; cbn; lia. Qed.

Lemma Sigma_nn n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= Sigma n f.
Proof. induction n; cbn; intros H; [lra |]. assert (F := H n). assert (G : 0 <= Sigma n f) by (apply IHn; intros; apply H; lia). lapply F; [lra | lia]. Qed.

Lemma Sigma_pos n f : (0 < n)%nat -> (forall i, (i < n)%nat -> 0 < f i) -> 0 < Sigma n f.
Proof.
  destruct n; [lia |]; cbn; intros _ H; assert (F := H n).
  assert (G : 0 <= Sigma n f) by (apply Sigma_nn; intros; apply Rlt_le, H; lia). lapply F; [lra | lia].
Qed.

Lemma iterate_inv {X} (P : X -> Prop) n step x :
  P x -> (forall k y, (k < n)%nat -> P y -> P (step k y)) -> P (iterate n step x).
Proof. intros H S; induction n; cbn; [easy |]. apply S; [lia |]. apply IHn; intros; apply S; [lia | easy]. Qed.

Lemma same_nn i j : 0 <= same i j.
Proof. unfold same; destruct (Nat.eqb i j); lra. Qed.
Lemma bit_nn s j : 0 <= bit s j.
Proof. unfold bit; destruct (Nat.testbit s j); lra. Qed.
Lemma same_refl i : same i i = 1.
Proof. unfold same; now rewrite Nat.eqb_refl. Qed.
Lemma even_pow a n : 0 <= a ^ (2 * n).
Proof. rewrite pow_mult; apply pow_le, pow2_ge_0. Qed.
Lemma ln_0 : ln 0 = 0.
Proof. unfold ln; destruct (Rlt_dec 0 0); [exfalso; lra | reflexivity]. Qed.

Lemma below_next n s : (s < 2 ^ n)%nat -> (s < 2 ^ S n)%nat.
Proof. cbn; lia. Qed.
Lemma below_on n s : (s < 2 ^ n)%nat -> (2 ^ n + s < 2 ^ S n)%nat.
Proof. cbn; lia. Qed.
Lemma pow_eq a b n : a = b -> a ^ n = b ^ n.
Proof. now intros ->. Qed.

(* An index is below its size. *)
Ltac bound := first [assumption | lia | apply below_power | apply below_next; assumption | apply below_on; assumption].
Ltac given := match goal with H : _ |- _ => solve [apply H; bound] end.
(* A term is positive, or not negative, by the signs of its parts. Each part is looked at twice at most. *)
Ltac pos := cbv beta; lazymatch goal with
  | |- 0 < exp _ => apply exp_pos
  | |- 0 < _ + _ => first [apply Rplus_lt_le_0_compat; [pos | nn] | apply Rplus_le_lt_0_compat; [nn | pos]]
  | |- 0 < _ * _ => apply Rmult_lt_0_compat; [pos | pos]
  | |- 0 < / _ => apply Rinv_0_lt_compat; pos
  | |- 0 < _ ^ _ => apply pow_lt; pos
  | |- 0 < Sigma _ _ => apply Sigma_pos; [bound | intros; pos]
  | |- 0 < iterate _ _ _ => apply (iterate_inv (fun x => 0 < x)); [pos | intros; pos]
  | |- 0 < iterate _ _ _ ?i => first [given | match goal with I : (i < ?m)%nat |- _ =>
      apply (iterate_inv (fun f => forall i, (i < m)%nat -> 0 < f i)); [intros; pos | intros; pos | bound] end]
  | _ => first [assumption | given | lra]
  end
with nn := cbv beta; lazymatch goal with
  | |- 0 <= exp _ => apply Rlt_le, exp_pos
  | |- 0 <= same _ _ => apply same_nn
  | |- 0 <= bit _ _ => apply bit_nn
  | |- 0 <= _ + _ => apply Rplus_le_le_0_compat; [nn | nn]
  | |- 0 <= _ * _ => apply Rmult_le_pos; [nn | nn]
  | |- 0 <= / _ => apply Rlt_le, Rinv_0_lt_compat; pos
  | |- 0 <= ?a ^ ?n => first [let m := eval compute in (Nat.div2 n) in apply (even_pow a m) | apply pow_le; nn]
  | |- 0 <= Sigma _ _ => apply Sigma_nn; intros; nn
  | |- 0 <= iterate _ _ _ => apply (iterate_inv (fun x => 0 <= x)); [nn | intros; nn]
  | |- 0 <= iterate _ _ _ ?i => first [given | match goal with I : (i < ?m)%nat |- _ =>
      apply (iterate_inv (fun f => forall i, (i < m)%nat -> 0 <= f i)); [intros; nn | intros; nn | bound] end]
  | _ => first [assumption | given | apply Rlt_le; first [assumption | given] | lra]
  end.
Ltac nz := repeat match goal with |- _ /\ _ => split end; first [apply Rgt_not_eq, Rlt_gt; pos | lra].
(* An identity of rational functions. *)
Ltac fld := rewrite ?same_refl; first [reflexivity | ring | field; nz].
(* A premise: a bound, a sign or a hypothesis. *)
Ltac side := first [assumption | intros; cbv beta; first [assumption | bound | pos | nn | given]].

(* --- adding up -------------------------------------------------------------------------------------------- *)

Lemma by_eq l r e : l - r = e -> e = 0 -> l = r. Proof. lra. Qed.
Lemma by_ge l r e : l - r = e -> e >= 0 -> l >= r. Proof. lra. Qed.
Lemma by_gt l r e : l - r = e -> e > 0 -> l > r. Proof. lra. Qed.
Lemma plus_eq w l r e : l = r -> e = 0 -> w * (l - r) + e = 0. Proof. intros -> ->; ring. Qed.
Lemma plus_eq_ge w l r e : l = r -> e >= 0 -> w * (l - r) + e >= 0. Proof. intros -> H; ring_simplify; lra. Qed.
Lemma plus_eq_gt w l r e : l = r -> e > 0 -> w * (l - r) + e > 0. Proof. intros -> H; ring_simplify; lra. Qed.
Lemma scaled w l r : 0 <= w -> l >= r -> w * (l - r) >= 0.
Proof. intros; apply Rle_ge, Rmult_le_pos; lra. Qed.
Lemma scaled_gt w l r : 0 < w -> l > r -> w * (l - r) > 0.
Proof. intros; apply Rmult_lt_0_compat; lra. Qed.
Lemma plus_ge w l r e : 0 <= w -> l >= r -> e >= 0 -> w * (l - r) + e >= 0.
Proof. intros W H; pose proof (scaled w l r W H); lra. Qed.
Lemma plus_ge_gt w l r e : 0 <= w -> l >= r -> e > 0 -> w * (l - r) + e > 0.
Proof. intros W H; pose proof (scaled w l r W H); lra. Qed.
Lemma plus_gt w l r e : 0 < w -> l > r -> e >= 0 -> w * (l - r) + e > 0.
Proof. intros W H; pose proof (scaled_gt w l r W H); lra. Qed.
Lemma weaker l r : l > r -> l >= r. Proof. lra. Qed.
Lemma via_eq (l l' r r' : R) : l = l' -> r = r' -> l' = r' -> l = r. Proof. lra. Qed.
Lemma via_ge (l l' r r' : R) : l = l' -> r = r' -> l' >= r' -> l >= r. Proof. lra. Qed.
Lemma via_gt (l l' r r' : R) : l = l' -> r = r' -> l' > r' -> l > r. Proof. lra. Qed.

(* --- sums ------------------------------------------------------------------------------------------------- *)

Lemma Sigma_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> Sigma n f = Sigma n g.
Proof. induction n; cbn; intros H; [easy |]. rewrite IHn by (intros; apply H; lia). rewrite H by lia. reflexivity. Qed.

Lemma Sigma_ge n f g : (forall i, (i < n)%nat -> f i >= g i) -> Sigma n f >= Sigma n g.
Proof.
  induction n; cbn; intros H; [lra |]. assert (F := H n). assert (G : Sigma n f >= Sigma n g) by (apply IHn; intros; apply H; lia).
  lapply F; [lra | lia].
Qed.

Lemma Sigma_gt n f g : (0 < n)%nat -> (forall i, (i < n)%nat -> f i > g i) -> Sigma n f > Sigma n g.
Proof.
  destruct n; [lia |]; cbn; intros _ H; assert (F := H n).
  assert (G : Sigma n f >= Sigma n g) by (apply Sigma_ge; intros; apply weaker, H; lia). lapply F; [lra | lia].
Qed.

Lemma lin_nil n : Sigma n (fun _ => 0) = 0.
Proof. induction n; cbn; [reflexivity | rewrite IHn; ring]. Qed.

Lemma lin_cons n c g h r : Sigma n h = r -> Sigma n (fun i => c * g i + h i) = c * Sigma n g + r.
Proof. intros <-; induction n; cbn; [ring | rewrite IHn; ring]. Qed.

Lemma Sigma_swap n m f : Sigma n (fun i => Sigma m (fun j => f i j)) = Sigma m (fun j => Sigma n (fun i => f i j)).
Proof.
  induction n; cbn; [now rewrite lin_nil |]. rewrite IHn; clear IHn.
  induction m; cbn; [ring | rewrite <- IHm; ring].
Qed.

Lemma Sigma_pick_none n j f : (n <= j)%nat -> Sigma n (fun i => same i j * f i) = 0.
Proof.
  induction n; cbn; intros H; [easy |]. rewrite IHn by lia. unfold same.
  destruct (Nat.eqb_spec n j); [lia | ring].
Qed.

Lemma Sigma_pick n j f : (j < n)%nat -> Sigma n (fun i => same i j * f i) = f j.
Proof.
  induction n; cbn; intros H; [lia |]. destruct (Nat.eq_dec n j) as [-> | N].
  - rewrite Sigma_pick_none by lia. unfold same; rewrite Nat.eqb_refl; ring.
  - rewrite IHn by lia. unfold same; destruct (Nat.eqb_spec n j); [easy | ring].
Qed.

Lemma Sigma_vanish n f g : (forall i, (i < n)%nat -> f i >= g i) -> Sigma n f = Sigma n g ->
  forall i, (i < n)%nat -> f i = g i.
Proof.
  induction n; cbn; intros H E i I; [lia |].
  assert (S := Sigma_ge n f g (fun i I => H i (Nat.lt_lt_succ_r _ _ I))); assert (F := H n (Nat.lt_succ_diag_r n)).
  destruct (Nat.eq_dec i n) as [-> | N]; [lra |]. apply IHn; [| lra | lia]. intros; apply H; lia.
Qed.

(* --- exp and log ------------------------------------------------------------------------------------------ *)

Lemma tangent a : exp a >= 1 + a.
Proof. destruct (Req_dec a 0) as [-> | N]; [rewrite exp_0; lra |]. left; apply exp_ineq1; easy. Qed.

Lemma touches a : exp a = 1 + a -> a = 0.
Proof. intros E; destruct (Req_dec a 0) as [| N]; [easy |]. pose proof (exp_ineq1 a N); lra. Qed.

(* --- one element more ------------------------------------------------------------------------------------- *)

Lemma from_one (P : nat -> Prop) : P 1%nat -> (forall n, (0 < n)%nat -> P n -> P (S n)) -> forall n, (0 < n)%nat -> P n.
Proof. intros B I n; induction n as [| [| n] H]; intros L; [lia | easy |]. apply I; [lia |]. apply H; lia. Qed.

Lemma Sigma_more n f : Sigma (S n) f = Sigma n f + f n.
Proof. reflexivity. Qed.
Lemma Sigma_one f : Sigma 1 f = f 0%nat.
Proof. cbn; ring. Qed.
Lemma Sigma_two f : Sigma (2 ^ 1) f = f 0%nat + f 1%nat.
Proof. cbn; ring. Qed.

Lemma Sigma_plus n m f : Sigma (n + m) f = Sigma n f + Sigma m (fun i => f (n + i)%nat).
Proof. induction m; cbn; [rewrite Nat.add_0_r; ring |]. rewrite Nat.add_succ_r; cbn. rewrite IHm; ring. Qed.

Lemma Sigma_states n f : Sigma (2 ^ S n) f = Sigma (2 ^ n) f + Sigma (2 ^ n) (fun s => f (2 ^ n + s)%nat).
Proof. replace (2 ^ S n)%nat with (2 ^ n + 2 ^ n)%nat by (cbn; lia). apply Sigma_plus. Qed.

Lemma testbit_high n s : (s < 2 ^ n)%nat -> Nat.testbit s n = false.
Proof. intros H; rewrite Nat.testbit_odd, Nat.shiftr_div_pow2, Nat.div_small by easy. reflexivity. Qed.

Lemma bit_off n s : (s < 2 ^ n)%nat -> bit s n = 0.
Proof. intros H; unfold bit; now rewrite testbit_high. Qed.

Lemma bit_on n s : (s < 2 ^ n)%nat -> bit (2 ^ n + s) n = 1.
Proof.
  intros H; unfold bit. rewrite Nat.testbit_odd, Nat.shiftr_div_pow2.
  replace (2 ^ n + s)%nat with (s + 1 * 2 ^ n)%nat by lia.
  rewrite Nat.div_add by (pose proof (below_power n); lia). rewrite Nat.div_small by easy. reflexivity.
Qed.

Lemma bit_low n s j : (j < n)%nat -> bit (2 ^ n + s) j = bit s j.
Proof.
  intros H; unfold bit. rewrite !Nat.testbit_odd, !Nat.shiftr_div_pow2.
  replace n with (S (n - S j) + j)%nat by lia. rewrite Nat.pow_add_r.
  rewrite (Nat.add_comm (2 ^ S (n - S j) * 2 ^ j)), Nat.div_add by (pose proof (below_power j); lia).
  rewrite Nat.odd_add. replace (Nat.odd (2 ^ S (n - S j))) with false; [now rewrite Bool.xorb_false_r |].
  cbn [Nat.pow]. symmetry. now rewrite Nat.odd_mul.
Qed.

Lemma bit_0_0 : bit 0 0 = 0. Proof. reflexivity. Qed.
Lemma bit_1_0 : bit 1 0 = 1. Proof. reflexivity. Qed.
Lemma same_none i j : i <> j -> same i j = 0. Proof. unfold same; intros; destruct (Nat.eqb_spec i j); easy. Qed.
Lemma same_shift k i j : same (k + i) (k + j) = same i j.
Proof. unfold same; destruct (Nat.eqb_spec i j), (Nat.eqb_spec (k + i) (k + j)); lia || easy. Qed.

Lemma iterate_ext {X} n step step' (x x' : X) :
  (forall k y, (k < n)%nat -> step k y = step' k y) -> x = x' -> iterate n step x = iterate n step' x'.
Proof. intros S <-; induction n; cbn; [easy |]. rewrite IHn by (intros; apply S; lia). apply S; lia. Qed.

(* --- derivatives ------------------------------------------------------------------------------------------ *)

Lemma is_derive_eq (f : R -> R) (x d e : R) : is_derive f x d -> d = e -> is_derive f x e.
Proof. now intros F <-. Qed.

Section Derivatives.
Variables (f g : R -> R) (x d e : R).
Hypotheses (F : is_derive f x d) (G : is_derive g x e).

Lemma D_plus : is_derive (fun t => f t + g t) x (d + e).
Proof. exact (is_derive_plus f g x d e F G). Qed.
Lemma D_mult : is_derive (fun t => f t * g t) x (d * g x + f x * e).
Proof. exact (is_derive_mult f g x d e F G Rmult_comm). Qed.
Lemma D_exp : is_derive (fun t => exp (f t)) x (exp (f x) * d).
Proof. rewrite Rmult_comm. exact (is_derive_comp exp f x _ _ (is_derive_exp (f x)) F). Qed.
Lemma D_ln : 0 < f x -> is_derive (fun t => ln (f t)) x (d * / f x).
Proof. intros P. exact (is_derive_comp ln f x _ _ (is_derive_ln (f x) P) F). Qed.
Lemma D_inv : 0 < f x -> is_derive (fun t => / f t) x (- d * / (f x ^ 2)).
Proof. intros P. apply (is_derive_inv f x d F), Rgt_not_eq, P. Qed.
Lemma D_pow n : is_derive (fun t => f t ^ n) x (INR n * d * f x ^ pred n).
Proof. exact (is_derive_pow f n x d F). Qed.
End Derivatives.

Lemma D_const (c x : R) : is_derive (fun _ => c) x 0.
Proof. exact (is_derive_const c x). Qed.
Lemma D_id (x : R) : is_derive (fun t => t) x 1.
Proof. exact (is_derive_id x). Qed.
Lemma D_sum n (f : nat -> R -> R) (x : R) (d : nat -> R) : (forall i, (i < n)%nat -> is_derive (f i) x (d i)) ->
  is_derive (fun t => Sigma n (fun i => f i t)) x (Sigma n d).
Proof.
  induction n; cbn; intros H; [apply D_const |]. apply D_plus; [apply IHn; intros; apply H; lia | apply H; lia].
Qed.
